/*
 * A program that cancels (pthread_cancel) a thread of its own while it is in the module.
 *
 * cancelled MODULE wait: in C_WaitForSlotEvent; the thread gets out of it by C_Finalize.
 * cancelled MODULE sign: in C_Sign, with a card that takes a second for it. Ends when its input is closed.
 * Prints what came of each step.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "jpki_pkcs11.h"

static CK_FUNCTION_LIST *module;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;

/* What the thread's call has answered. */
static CK_RV answer;
static int has_answered;

static void require(CK_RV result, const char *what)
{
    if (result == CKR_OK)
        return;
    fprintf(stderr, "%s: %#lx\n", what, result);
    exit(1);
}

static CK_RV sign(void)
{
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_BYTE signature[256];
    CK_ULONG length = sizeof signature;
    CK_RV result = module->C_SignInit(session, &mechanism, key);

    return result != CKR_OK ? result : module->C_Sign(session, (CK_BYTE *)"data", 4, signature, &length);
}

static void log_in(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8, at;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
    CK_TOKEN_INFO info;

    require(module->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (at = 0; at < count; at++) {
        require(module->C_GetTokenInfo(slots[at], &info), "C_GetTokenInfo");
        if (strncmp((char *)info.label, JPKI_PKCS11_TOKEN_AUTHENTICATION, strlen(JPKI_PKCS11_TOKEN_AUTHENTICATION)) == 0)
            break;
    }
    require(at < count ? CKR_OK : CKR_TOKEN_NOT_PRESENT, "the token");
    require(module->C_OpenSession(slots[at], CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    require(module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)"1234", 4), "C_Login");
    require(module->C_FindObjectsInit(session, &template, 1), "C_FindObjectsInit");
    require(module->C_FindObjects(session, &key, 1, &count), "C_FindObjects");
    require(module->C_FindObjectsFinal(session), "C_FindObjectsFinal");
}

static void *waiting(void *unused)
{
    CK_SLOT_ID slot;

    (void)unused;
    answer = module->C_WaitForSlotEvent(0, &slot, NULL);
    has_answered = 1;
    pthread_testcancel();
    return NULL;
}

static void *signing(void *unused)
{
    (void)unused;
    answer = sign();
    has_answered = 1;
    pthread_testcancel();
    return NULL;
}

/* Says how a thread ends within so many seconds. */
static int ends(pthread_t thread, int seconds)
{
    struct timespec until;
    void *result;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    if (pthread_timedjoin_np(thread, &result, &until) != 0) {
        puts("the thread goes on");
        return 0;
    }
    printf("the thread %s", result == PTHREAD_CANCELED ? "was cancelled" : "returned");
    if (has_answered)
        printf(" after the call's %#lx\n", answer);
    else
        puts(" in the call");
    return 1;
}

int main(int count, char **arguments)
{
    CK_RV (*get)(CK_FUNCTION_LIST **);
    CK_SLOT_ID slot;
    pthread_t thread;
    void *library;
    int waits;

    if (count != 3 || (library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL)) == NULL)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    waits = strcmp(arguments[2], "wait") == 0;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    require(get(&module), "C_GetFunctionList");
    require(module->C_Initialize(NULL), "C_Initialize");
    log_in();
    while (module->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) == CKR_OK)
        ;
    if (pthread_create(&thread, NULL, waits ? waiting : signing, NULL) != 0)
        return 2;
    /* In the middle of it. */
    usleep(400000);
    pthread_cancel(thread);
    if (waits) {
        if (ends(thread, 1))
            return 1;
        require(module->C_Finalize(NULL), "C_Finalize");
    }
    if (!ends(thread, 5))
        return 1;
    if (waits) {
        require(module->C_Initialize(NULL), "C_Initialize");
        log_in();
    }
    puts("ready");
    while (getchar() != EOF)
        ;
    require(sign(), "C_Sign");
    puts("signed");
    require(module->C_Finalize(NULL), "C_Finalize");
    return 0;
}
