//! The table from what went wrong to what PKCS#11 calls it.

use cryptoki_sys::*;

use crate::token;

macro_rules! errors {
    ($($name:ident => $rv:ident, $meaning:literal;)+) => {
        /// What a call can end with other than CKR_OK.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Error {
            $(#[doc = $meaning] $name,)+
        }

        impl Error {
            /// The return value that stands for it (PKCS#11 3.2 §5.1).
            #[must_use]
            pub fn rv(self) -> CK_RV {
                match self { $(Error::$name => $rv,)+ }
            }

            /// The name of the return value, for the log.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Error::$name => stringify!($rv),)+ }
            }
        }
    };
}

errors! {
    ActionProhibited => CKR_ACTION_PROHIBITED, "The object does not let this be done to it.";
    ArgumentsBad => CKR_ARGUMENTS_BAD, "An argument cannot be.";
    AlreadyInitialized => CKR_CRYPTOKI_ALREADY_INITIALIZED, "C_Initialize was called before.";
    AttributeSensitive => CKR_ATTRIBUTE_SENSITIVE, "The attribute is never given away.";
    AttributeTypeInvalid => CKR_ATTRIBUTE_TYPE_INVALID, "The object has no such attribute.";
    BufferTooSmall => CKR_BUFFER_TOO_SMALL, "The caller's buffer is too small; the length has been written.";
    CantLock => CKR_CANT_LOCK, "The program allows no locks that the module could use.";
    DataLenRange => CKR_DATA_LEN_RANGE, "The data are too short or too long for the mechanism.";
    DeviceError => CKR_DEVICE_ERROR, "The card or its reader failed, or lied.";
    DeviceRemoved => CKR_DEVICE_REMOVED, "The card was pulled out in the middle.";
    FunctionCanceled => CKR_FUNCTION_CANCELED, "The user has cancelled at the PIN pad, or typed nothing in time.";
    FunctionFailed => CKR_FUNCTION_FAILED, "The card cannot do this after all.";
    FunctionNotParallel => CKR_FUNCTION_NOT_PARALLEL, "Functions do not run in parallel.";
    FunctionNotSupported => CKR_FUNCTION_NOT_SUPPORTED, "The module does not do this.";
    GeneralError => CKR_GENERAL_ERROR, "The module itself failed.";
    HostMemory => CKR_HOST_MEMORY, "The program has no memory for what it asked for.";
    KeyFunctionNotPermitted => CKR_KEY_FUNCTION_NOT_PERMITTED, "The key is not for this.";
    KeyIndigestible => CKR_KEY_INDIGESTIBLE, "The value of a key never leaves the card, not even into a digest.";
    KeyHandleInvalid => CKR_KEY_HANDLE_INVALID, "No such key.";
    MechanismInvalid => CKR_MECHANISM_INVALID, "The token does not know the mechanism, or not for this.";
    MechanismParamInvalid => CKR_MECHANISM_PARAM_INVALID, "The mechanism cannot be had with these parameters.";
    NoEvent => CKR_NO_EVENT, "Nothing has happened at the slots.";
    NotInitialized => CKR_CRYPTOKI_NOT_INITIALIZED, "C_Initialize was not called, or not in this process.";
    ObjectHandleInvalid => CKR_OBJECT_HANDLE_INVALID, "No such object, or not visible without login.";
    OperationActive => CKR_OPERATION_ACTIVE, "An operation of this kind is under way in the session.";
    OperationNotInitialized => CKR_OPERATION_NOT_INITIALIZED, "No operation of this kind is under way.";
    PinIncorrect => CKR_PIN_INCORRECT, "The PIN is wrong.";
    PinInvalid => CKR_PIN_INVALID, "The new PIN has characters it may not have, or lacks some, or was typed in two ways.";
    PinLenRange => CKR_PIN_LEN_RANGE, "The new PIN is too short or too long.";
    PinLocked => CKR_PIN_LOCKED, "The PIN is locked, or its last try is not to be risked.";
    RandomSeedNotSupported => CKR_RANDOM_SEED_NOT_SUPPORTED, "The card's random numbers take no seed.";
    SessionAsyncNotSupported => CKR_SESSION_ASYNC_NOT_SUPPORTED, "A session must not be an asynchronous one.";
    SessionCount => CKR_SESSION_COUNT, "Too many sessions.";
    SessionHandleInvalid => CKR_SESSION_HANDLE_INVALID, "No such session, or not any more.";
    SessionParallelNotSupported => CKR_SESSION_PARALLEL_NOT_SUPPORTED, "A session must be a serial one.";
    SessionReadOnly => CKR_SESSION_READ_ONLY, "The session is a read-only one.";
    SessionReadOnlyExists => CKR_SESSION_READ_ONLY_EXISTS, "There is a read-only session, which no security officer has.";
    SignatureInvalid => CKR_SIGNATURE_INVALID, "The signature is wrong.";
    SignatureLenRange => CKR_SIGNATURE_LEN_RANGE, "The signature has a length that no signature of this key has.";
    SlotIdInvalid => CKR_SLOT_ID_INVALID, "No such slot.";
    TokenNotPresent => CKR_TOKEN_NOT_PRESENT, "No card, or not one with the JPKI application.";
    TokenWriteProtected => CKR_TOKEN_WRITE_PROTECTED, "Objects of the card cannot be made, changed or destroyed.";
    UserAlreadyLoggedIn => CKR_USER_ALREADY_LOGGED_IN, "The user is logged in already.";
    UserAnotherAlreadyLoggedIn => CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "Another kind of user is logged in.";
    UserNotLoggedIn => CKR_USER_NOT_LOGGED_IN, "Nobody is logged in.";
    UserPinNotInitialized => CKR_USER_PIN_NOT_INITIALIZED, "The PIN was never set.";
    UserTypeInvalid => CKR_USER_TYPE_INVALID, "The token has no user of this type.";
}

impl From<token::Error> for Error {
    fn from(error: token::Error) -> Self {
        use token::Error as T;
        match error {
            T::Removed => Error::DeviceRemoved,
            T::PinIncorrect => Error::PinIncorrect,
            // C_Login has no value of its own for a try that is not risked; this one ends a program's retries.
            T::PinLocked | T::LastTry => Error::PinLocked,
            T::NoPin => Error::UserPinNotInitialized,
            T::NewPinLength => Error::PinLenRange,
            T::NewPinCharacters | T::NewPinMismatch => Error::PinInvalid,
            T::Cancelled => Error::FunctionCanceled,
            // NULL in the place of a PIN (PKCS#11 3.2 §5.6.8).
            T::NoPinPad => Error::ArgumentsBad,
            T::NotLoggedIn => Error::UserNotLoggedIn,
            T::AlreadyLoggedIn => Error::UserAlreadyLoggedIn,
            T::NoKey => Error::KeyHandleInvalid,
            T::HostMemory => Error::HostMemory,
            // C_SignInit has said yes to the mechanism before the card was asked for the first time.
            T::UnknownScheme => Error::FunctionFailed,
            T::WrongSignature | T::Busy | T::Card(_) => Error::DeviceError,
        }
    }
}
