/*
 * Asks whether the functions that a module hands out are its own, in a process that has another PKCS#11 module loaded.
 *
 * our_own_functions MODULE [OTHER_MODULE]; the other one gets into the global scope, in which the dynamic linker looks
 * names up. Prints, for each interface of the module, its version, how many functions its list has, and how many of them
 * belong to another file; then what C_Initialize answers, and the manufacturer that C_GetInfo gives.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

/* CK_INTERFACE, which older headers lack. */
struct interface {
    CK_UTF8CHAR *name;
    void *functions;
    CK_FLAGS flags;
};

static int is_of(const char *module, void *function)
{
    Dl_info info;
    char file[PATH_MAX];

    return function != NULL && dladdr(function, &info) != 0 && realpath(info.dli_fname, file) != NULL
        && strcmp(file, module) == 0;
}

/* Each list is a version and then pointers only. */
static int functions_of(const CK_VERSION *list)
{
    return list->major == 2 ? 68 : list->minor < 2 ? 92 : 104;
}

int main(int count, char **arguments)
{
    char module[PATH_MAX];
    CK_RV (*get)(struct interface *, CK_ULONG *);
    struct interface interfaces[8];
    CK_ULONG known = 8, at;
    CK_FUNCTION_LIST *functions = NULL;
    CK_INFO info;
    CK_RV answer;
    void *handle;

    if (count < 2 || realpath(arguments[1], module) == NULL)
        return 2;
    if (count > 2 && dlopen(arguments[2], RTLD_NOW | RTLD_GLOBAL) == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    /* Without this the test would show nothing. */
    if (dlsym(RTLD_DEFAULT, "C_GetFunctionList") == NULL || is_of(module, dlsym(RTLD_DEFAULT, "C_GetFunctionList"))) {
        fputs("no other module is in the global scope\n", stderr);
        return 2;
    }
    handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    *(void **)&get = dlsym(handle, "C_GetInterfaceList");
    if (get == NULL || get(interfaces, &known) != CKR_OK)
        return 1;
    for (at = 0; at < known; at++) {
        CK_VERSION *list = interfaces[at].functions;
        void **function = (void **)((char *)list + sizeof(void *));
        int place, foreign = 0;

        for (place = 0; place < functions_of(list); place++)
            foreign += !is_of(module, function[place]);
        printf("%d.%d: %d functions, %d foreign\n", list->major, list->minor, place, foreign);
        if (list->major == 2)
            functions = interfaces[at].functions;
    }
    if (functions == NULL)
        return 1;
    answer = functions->C_Initialize(NULL);
    printf("C_Initialize: %#lx\n", answer);
    memset(&info, ' ', sizeof info);
    answer = functions->C_GetInfo(&info);
    printf("C_GetInfo: %#lx by %.32s\n", answer, (const char *)info.manufacturerID);
    functions->C_Finalize(NULL);
    return 0;
}
