/*
 * Uses what a C program has: Debian's header of the standard, this project's header, and dlopen. Compares each constant
 * of the project's header with the module.
 *
 * header MODULE SETTINGS_FILE, with a card that has the PINs of the virtual card, and a file that sets the Japanese
 * labels. Prints what it has compared. If something differs from the header, prints it and ends with 1.
 */
#define _POSIX_C_SOURCE 200112L

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "jpki_pkcs11.h"

static CK_FUNCTION_LIST *module;

/* A key pair's constants. */
static const struct token {
    const char *english, *japanese, *object, *ca;
    char pin[8];
} tokens[] = {
    { JPKI_PKCS11_TOKEN_AUTHENTICATION, JPKI_PKCS11_TOKEN_AUTHENTICATION_JA, JPKI_PKCS11_OBJECT_AUTHENTICATION,
      JPKI_PKCS11_OBJECT_AUTHENTICATION_CA, "1234" },
    { JPKI_PKCS11_TOKEN_SIGNATURE, JPKI_PKCS11_TOKEN_SIGNATURE_JA, JPKI_PKCS11_OBJECT_SIGNATURE,
      JPKI_PKCS11_OBJECT_SIGNATURE_CA, "ABC123" },
};

/* Each setting with a valid value and an invalid one. If any text is valid, the invalid one lacks its closing quote. */
static const char *const settings[][3] = {
    { JPKI_PKCS11_SETTING_SLOTS, "sign", "all" },
    { JPKI_PKCS11_SETTING_LABELS, "ja", "fr" },
    { JPKI_PKCS11_SETTING_ALWAYS_AUTHENTICATE, "true", "1" },
    { JPKI_PKCS11_SETTING_LAST_TRY, "refuse", "true" },
    { JPKI_PKCS11_SETTING_PIN_PAD, "letters", "on" },
    { JPKI_PKCS11_SETTING_CA_CERTIFICATES, "false", "no" },
    { JPKI_PKCS11_SETTING_READERS, "\"ACS*,Virtual*\"", "\"ACS" },
    { JPKI_PKCS11_SETTING_LOG, "off", "loud" },
    { JPKI_PKCS11_SETTING_LOG_FILE, "/nowhere/log", "\"/nowhere" },
};

static void require(int truth, const char *what, ...)
{
    va_list words;

    if (truth)
        return;
    va_start(words, what);
    vfprintf(stderr, what, words);
    va_end(words);
    fputc('\n', stderr);
    exit(1);
}

/* Whether a field, padded with spaces as in the standard, holds a text. */
static int is(const CK_UTF8CHAR *field, size_t size, const char *text)
{
    size_t place = strlen(text);

    if (place > size || memcmp(field, text, place) != 0)
        return 0;
    while (place < size)
        if (field[place++] != ' ')
            return 0;
    return 1;
}

static CK_RV initialize(char *with)
{
    CK_C_INITIALIZE_ARGS arguments = { NULL, NULL, NULL, NULL, CKF_OS_LOCKING_OK, NULL };

    arguments.pReserved = with;
    return module->C_Initialize(&arguments);
}

/* The slots of the one card. */
static void find_slots(CK_SLOT_ID slots[2])
{
    CK_ULONG count = 2;

    require(module->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK && count == 2, "not two tokens");
}

static void compare_labels(int japanese)
{
    CK_SLOT_ID slots[2];
    CK_TOKEN_INFO info;
    int place;

    find_slots(slots);
    for (place = 0; place < 2; place++) {
        const char *label = japanese ? tokens[place].japanese : tokens[place].english;
        require(module->C_GetTokenInfo(slots[place], &info) == CKR_OK, "C_GetTokenInfo");
        require(is(info.label, sizeof info.label, label), "%.32s is not %s", info.label, label);
        require(is(info.manufacturerID, sizeof info.manufacturerID, JPKI_PKCS11_TOKEN_MANUFACTURER), "J-LIS");
        printf("%s\n", label);
    }
}

/* How many objects of a class have this label. */
static CK_ULONG labelled(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label)
{
    CK_ATTRIBUTE template[] = { { CKA_CLASS, NULL, sizeof class }, { CKA_LABEL, (void *)label, strlen(label) } };
    CK_OBJECT_HANDLE objects[8];
    CK_ULONG found = 0;

    template[0].pValue = &class;
    require(module->C_FindObjectsInit(session, template, 2) == CKR_OK, "C_FindObjectsInit");
    require(module->C_FindObjects(session, objects, 8, &found) == CKR_OK, "C_FindObjects");
    require(module->C_FindObjectsFinal(session) == CKR_OK, "C_FindObjectsFinal");
    return found;
}

static void compare_objects(void)
{
    static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE };
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slots[2];
    int place, kind;

    find_slots(slots);
    for (place = 0; place < 2; place++) {
        struct token token = tokens[place];
        require(module->C_OpenSession(slots[place], CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK, "C_OpenSession");
        require(module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)token.pin, strlen(token.pin)) == CKR_OK, "C_Login");
        for (kind = 0; kind < 3; kind++)
            require(labelled(session, classes[kind], token.object) == 1, "%s: kind %d", token.object, kind);
        require(labelled(session, CKO_CERTIFICATE, token.ca) == 1, "%s", token.ca);
        require(module->C_CloseSession(session) == CKR_OK, "C_CloseSession");
        printf("%s, %s\n", token.object, token.ca);
    }
}

static void compare_setting(const char *key, const char *good, const char *bad)
{
    char text[64];
    CK_RV answer;

    snprintf(text, sizeof text, "%s=%s", key, good);
    answer = initialize(text);
    require(answer == CKR_OK, "%s: %lx", text, answer);
    require(module->C_Finalize(NULL) == CKR_OK, "C_Finalize");
    snprintf(text, sizeof text, "%s=%s", key, bad);
    answer = initialize(text);
    require(answer == CKR_ARGUMENTS_BAD, "%s: %lx", text, answer);
    printf("%s\n", key);
}

int main(int count, char **arguments)
{
    char japanese[] = JPKI_PKCS11_SETTING_LABELS "=ja", unknown[] = "no=such setting";
    CK_C_GetFunctionList get_function_list;
    size_t place;
    CK_INFO info;
    void *library;

    require(count == 3 && strstr(arguments[1], JPKI_PKCS11_MODULE) != NULL, "%s is another name", arguments[1]);
    library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    require(library != NULL, "dlopen");
    *(void **)&get_function_list = dlsym(library, "C_GetFunctionList");
    require(get_function_list != NULL && get_function_list(&module) == CKR_OK, "C_GetFunctionList");

    require(initialize(NULL) == CKR_OK, "C_Initialize");
    require(module->C_GetInfo(&info) == CKR_OK, "C_GetInfo");
    require(is(info.manufacturerID, sizeof info.manufacturerID, JPKI_PKCS11_MANUFACTURER), "CK_INFO.manufacturerID");
    compare_labels(0);
    compare_objects();
    require(module->C_Finalize(NULL) == CKR_OK, "C_Finalize");

    require(initialize(japanese) == CKR_OK, "C_Initialize with %s", japanese);
    compare_labels(1);
    require(module->C_Finalize(NULL) == CKR_OK, "C_Finalize");

    require(setenv(JPKI_PKCS11_CONFIG_VARIABLE, arguments[2], 1) == 0, "setenv");
    require(initialize(NULL) == CKR_OK, "C_Initialize with %s", arguments[2]);
    compare_labels(1);
    require(module->C_Finalize(NULL) == CKR_OK, "C_Finalize");

    for (place = 0; place < sizeof settings / sizeof *settings; place++)
        compare_setting(settings[place][0], settings[place][1], settings[place][2]);
    require(initialize(unknown) == CKR_ARGUMENTS_BAD, "%s", unknown);
    return 0;
}
