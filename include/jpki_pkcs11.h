/*
 * jpki-pkcs11: what a C program may want to know of the module besides the PKCS#11 standard.
 *
 * The functions are PKCS#11's, so use the standard's own header for them (Debian: libp11-kit-dev has
 * <p11-kit/pkcs11.h>, libp11 and OpenSC have <pkcs11.h>). This header needs no other and may be included before or
 * after it.
 */
#ifndef JPKI_PKCS11_H
#define JPKI_PKCS11_H

/* The file name of the module, for dlopen. */
#define JPKI_PKCS11_MODULE "libjpki_pkcs11.so"

/* CK_INFO.manufacturerID and CK_TOKEN_INFO.manufacturerID, without the padding. */
#define JPKI_PKCS11_MANUFACTURER "jpki-pkcs11"
#define JPKI_PKCS11_TOKEN_MANUFACTURER "J-LIS"

/* CK_TOKEN_INFO.label, without the padding: the two tokens of a card, in English and with labels=ja (UTF-8). */
#define JPKI_PKCS11_TOKEN_AUTHENTICATION "JPKI User Authentication"
#define JPKI_PKCS11_TOKEN_SIGNATURE "JPKI Digital Signature"
#define JPKI_PKCS11_TOKEN_AUTHENTICATION_JA \
    "JPKI \xE5\x88\xA9\xE7\x94\xA8\xE8\x80\x85\xE8\xA8\xBC\xE6\x98\x8E\xE7\x94\xA8 (4\xE6\xA1\x81)"
#define JPKI_PKCS11_TOKEN_SIGNATURE_JA \
    "JPKI \xE7\xBD\xB2\xE5\x90\x8D\xE7\x94\xA8 (\xE8\x8B\xB1\xE6\x95\xB0" "6-16\xE6\xA1\x81)"

/* CKA_LABEL of private key, public key and certificate, and of the CA's certificate. */
#define JPKI_PKCS11_OBJECT_AUTHENTICATION "User Authentication"
#define JPKI_PKCS11_OBJECT_AUTHENTICATION_CA "User Authentication CA"
#define JPKI_PKCS11_OBJECT_SIGNATURE "Digital Signature"
#define JPKI_PKCS11_OBJECT_SIGNATURE_CA "Digital Signature CA"

/* The environment variable that names a settings file by an absolute path, used instead of all others. */
#define JPKI_PKCS11_CONFIG_VARIABLE "JPKI_PKCS11_CONFIG"

/*
 * Settings, with their values, of which the first is the default. CK_C_INITIALIZE_ARGS.pReserved may point to a string of
 * them, separated by spaces and ended by a NUL: "slots=auth labels=ja". A value with a space, # or = in it, and an empty
 * one, is written in double quotes.
 */
#define JPKI_PKCS11_SETTING_SLOTS "slots" /* both, auth, sign */
#define JPKI_PKCS11_SETTING_LABELS "labels" /* en, ja */
#define JPKI_PKCS11_SETTING_ALWAYS_AUTHENTICATE "always-authenticate" /* false, true */
#define JPKI_PKCS11_SETTING_LAST_TRY "last-try" /* allow, refuse */
#define JPKI_PKCS11_SETTING_PIN_PAD "pin-pad" /* auto, letters, off */
#define JPKI_PKCS11_SETTING_CA_CERTIFICATES "ca-certificates" /* true, false */
#define JPKI_PKCS11_SETTING_READERS "readers" /* empty, or patterns of reader names with commas between them */
#define JPKI_PKCS11_SETTING_LOG "log" /* off, error, info, debug, trace */
#define JPKI_PKCS11_SETTING_LOG_FILE "log-file" /* empty, or an absolute path */

#endif /* JPKI_PKCS11_H */
