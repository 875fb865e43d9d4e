/*
 * What a C program needs: the standard's header as Debian has it, this project's, and dlopen.
 * Prints the label of each token; ends with the number of the step that failed.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "jpki_pkcs11.h"

static int is(const CK_UTF8CHAR *field, size_t size, const char *text)
{
    size_t length = strlen(text);
    size_t place;

    if (length > size || memcmp(field, text, length) != 0)
        return 0;
    for (place = length; place < size; place++)
        if (field[place] != ' ')
            return 0;
    return 1;
}

int main(int count, char **arguments)
{
    char settings[] = JPKI_PKCS11_SETTING_LABELS "=ja " JPKI_PKCS11_SETTING_CA_CERTIFICATES "=false";
    const char *labels[] = { JPKI_PKCS11_TOKEN_AUTHENTICATION_JA, JPKI_PKCS11_TOKEN_SIGNATURE_JA };
    CK_C_INITIALIZE_ARGS initialize = { NULL, NULL, NULL, NULL, CKF_OS_LOCKING_OK, NULL };
    CK_C_GetFunctionList get_function_list;
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slots[2];
    CK_ULONG found = 2, place;
    CK_TOKEN_INFO token;
    CK_INFO info;
    void *module;

    if (count != 2 || strstr(arguments[1], JPKI_PKCS11_MODULE) == NULL)
        return 1;
    module = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        return 2;
    *(void **)&get_function_list = dlsym(module, "C_GetFunctionList");
    if (get_function_list == NULL || get_function_list(&functions) != CKR_OK)
        return 3;
    initialize.pReserved = settings;
    if (functions->C_Initialize(&initialize) != CKR_OK)
        return 4;
    if (functions->C_GetInfo(&info) != CKR_OK || !is(info.manufacturerID, 32, JPKI_PKCS11_MANUFACTURER))
        return 5;
    if (functions->C_GetSlotList(CK_TRUE, slots, &found) != CKR_OK || found != 2)
        return 6;
    for (place = 0; place < found; place++) {
        if (functions->C_GetTokenInfo(slots[place], &token) != CKR_OK)
            return 7;
        if (!is(token.label, 32, labels[place]) || !is(token.manufacturerID, 32, JPKI_PKCS11_TOKEN_MANUFACTURER))
            return 8;
        printf("%.32s\n", (const char *)token.label);
    }
    if (functions->C_Finalize(NULL) != CKR_OK)
        return 9;
    initialize.pReserved = "no=such setting";
    return functions->C_Initialize(&initialize) == CKR_ARGUMENTS_BAD ? 0 : 10;
}
