/*
 * A PIN pad for a reader without one: preload it into a program, where it replaces libpcsclite's SCardControl.
 *
 * JPKI_PIN_PAD holds the entries that the user types, separated by commas: "1234,4321,4321". An entry that begins with
 * "!" is a status word of the reader itself: "!6401". An entry goes to the card as part of the command, as in a real
 * pad.
 */
#include <stdlib.h>
#include <string.h>

#include <reader.h>
#include <winscard.h>

#define VERIFY 0x42330006
#define MODIFY 0x42330007

/* The next entry. If there is none, the user types nothing until the reader gives up. */
static const char *next_entry(void)
{
    static char entries[256];
    static char *rest;
    char *entry = rest;

    if (rest == NULL) {
        const char *all = getenv("JPKI_PIN_PAD");
        strncpy(entries, all == NULL ? "" : all, sizeof entries - 1);
        entry = entries;
    }
    rest = entry + strcspn(entry, ",");
    if (*rest != '\0')
        *rest++ = '\0';
    return *entry == '\0' ? "!6400" : entry;
}

LONG SCardControl(SCARDHANDLE card, DWORD code, LPCVOID send, DWORD send_length, LPVOID receive, DWORD room,
                  LPDWORD length)
{
    static const unsigned char features[] = { 6, 4, 0x42, 0x33, 0, 6, 7, 4, 0x42, 0x33, 0, 7 };
    const PIN_VERIFY_STRUCTURE *verify = send;
    const PIN_MODIFY_STRUCTURE *modify = send;
    unsigned char command[5 + 255], *response = receive;
    const char *typed;
    unsigned shortest, longest;

    if (code == CM_IOCTL_GET_FEATURE_REQUEST) {
        if (room < sizeof features)
            return SCARD_E_INSUFFICIENT_BUFFER;
        memcpy(receive, features, sizeof features);
        *length = sizeof features;
        return SCARD_S_SUCCESS;
    }
    if (code == VERIFY && send_length == sizeof *verify + verify->ulDataLength) {
        memcpy(command, verify->abData, 4);
        shortest = verify->wPINMaxExtraDigit >> 8;
        longest = verify->wPINMaxExtraDigit & 0xFF;
    } else if (code == MODIFY && send_length == sizeof *modify + modify->ulDataLength && modify->bConfirmPIN == 1) {
        memcpy(command, modify->abData, 4);
        shortest = modify->wPINMaxExtraDigit >> 8;
        longest = modify->wPINMaxExtraDigit & 0xFF;
    } else {
        return SCARD_E_INVALID_PARAMETER;
    }
    typed = next_entry();
    if (*typed != '!' && (strlen(typed) < shortest || strlen(typed) > longest))
        typed = "!6403";
    if (*typed != '!' && code == MODIFY && strcmp(typed, next_entry()) != 0)
        typed = "!6402";
    if (*typed == '!') {
        unsigned long status = strtoul(typed + 1, NULL, 16);
        response[0] = status >> 8 & 0xFF;
        response[1] = status & 0xFF;
        *length = 2;
        return SCARD_S_SUCCESS;
    }
    command[4] = (unsigned char)strlen(typed);
    memcpy(command + 5, typed, strlen(typed));
    *length = room;
    return SCardTransmit(card, SCARD_PCI_T1, command, 5 + strlen(typed), NULL, receive, length);
}
