/*
 * Another program's reset just before the module ends a transaction with a power-down: to be preloaded in front of
 * libpcsclite. SCardEndTransaction answers as it does then (SCARD_W_RESET_CARD), and does not take the power. The
 * transaction itself ends with the next call that leaves the card as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include <winscard.h>

LONG SCardEndTransaction(SCARDHANDLE card, DWORD disposition)
{
    static LONG (*end)(SCARDHANDLE, DWORD);

    if (disposition == SCARD_UNPOWER_CARD)
        return SCARD_W_RESET_CARD;
    if (end == NULL)
        *(void **)&end = dlsym(RTLD_NEXT, "SCardEndTransaction");
    return end(card, disposition);
}
