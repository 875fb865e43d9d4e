//! The module, used by an ordinary client: the crate `cryptoki`.

use std::env;
use std::ffi::{CString, OsString};
use std::fs;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Once;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, Result, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;

use cryptoki_sys::CKR_OK;

use crate::paths::{lasting, module_path, scratch};
use crate::{Reader, call};

/// One of the card's two key pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// User authentication: four digits, three tries.
    Auth,
    /// Digital signature: 6 to 16 capital letters and digits, five tries.
    Sign,
}

impl Key {
    /// Both.
    pub const ALL: [Key; 2] = [Key::Auth, Key::Sign];

    /// The PIN of the virtual card.
    #[must_use]
    pub fn pin(self) -> &'static str {
        match self {
            Key::Auth => "1234",
            Key::Sign => "ABC123",
        }
    }

    /// PINs of the right form that are wrong.
    #[must_use]
    pub fn wrong_pins(self) -> [&'static str; 5] {
        match self {
            Key::Auth => ["0000", "1111", "2222", "3333", "4444"],
            Key::Sign => ["WRONG1", "WRONG2", "WRONG3", "WRONG4", "WRONG5"],
        }
    }

    /// How many tries a card starts with.
    #[must_use]
    pub fn tries(self) -> u32 {
        match self {
            Key::Auth => 3,
            Key::Sign => 5,
        }
    }

    /// The label of the token.
    #[must_use]
    pub fn token_label(self) -> &'static str {
        match self {
            Key::Auth => "JPKI User Authentication",
            Key::Sign => "JPKI Digital Signature",
        }
    }

    /// The word for it in the names of slots, and on the virtual card's control channel.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Key::Auth => "auth",
            Key::Sign => "sign",
        }
    }
}

/// The initialized module. It is finalized when this value is dropped.
pub struct Module {
    /// The client library's view of it.
    pub client: Pkcs11,
}

impl Module {
    /// Loads and initializes the module, without settings.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn start() -> Self {
        use_no_settings();
        Self::initialize("").expect("C_Initialize")
    }

    /// Loads and initializes the module with a program's string of settings, and with a settings file of this text.
    ///
    /// # Errors
    /// That of C_Initialize.
    ///
    /// # Panics
    /// If the module does not load.
    pub fn start_with(string: &str, file: &str) -> Result<Self> {
        use_no_settings();
        let _turned_back = SettingsFile::with(file);
        Self::initialize(string)
    }

    /// Loads and initializes the module with a string of settings, and with the settings of the environment.
    ///
    /// # Errors
    /// That of C_Initialize.
    ///
    /// # Panics
    /// If the module does not load.
    pub fn initialize(string: &str) -> Result<Self> {
        let client = Pkcs11::new(module_path()).expect("the module loads");
        let text = CString::new(string).expect("settings without a NUL");
        let pointer = NonNull::new(text.as_ptr().cast_mut().cast()).expect("not NULL");
        // SAFETY: a string with a terminator, which outlives the call.
        let with_text = unsafe { CInitializeArgs::new_with_reserved(CInitializeFlags::OS_LOCKING_OK, pointer) };
        let without = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        client.initialize(if string.is_empty() { without } else { with_text })?;
        Ok(Module { client })
    }

    /// The slot of a key pair in a reader, with or without a card.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    #[must_use]
    pub fn slot(&self, reader: Reader, key: Key) -> Slot {
        let name = format!("{} ({})", reader.name(), key.name());
        let mut slots = self.client.get_all_slots().expect("C_GetSlotList").into_iter();
        let is_it = |slot: &Slot| self.client.get_slot_info(*slot).is_ok_and(|info| info.slot_description() == name);
        slots.find(is_it).unwrap_or_else(|| panic!("no slot {name}"))
    }

    /// CK_TOKEN_INFO of the token of a key pair in the first reader.
    ///
    /// # Panics
    /// If it cannot.
    #[track_caller]
    #[must_use]
    pub fn token_info(&self, key: Key) -> TokenInfo {
        self.client.get_token_info(self.slot(Reader::First, key)).expect("C_GetTokenInfo")
    }

    /// A read-only session with the token of a key pair in the first reader.
    ///
    /// # Panics
    /// If none can be had.
    #[track_caller]
    #[must_use]
    pub fn session(&self, key: Key) -> Session {
        self.client.open_ro_session(self.slot(Reader::First, key)).expect("C_OpenSession")
    }

    /// A session that is logged in.
    ///
    /// # Panics
    /// If the login fails.
    #[track_caller]
    #[must_use]
    pub fn logged_in(&self, key: Key) -> Session {
        let session = self.session(key);
        session.login(UserType::User, Some(&pin(key.pin()))).expect("C_Login");
        session
    }

    /// C_CloseAllSessions on the token of a key pair in the first reader.
    ///
    /// # Panics
    /// If that fails.
    #[track_caller]
    pub fn close_all_sessions(&self, key: Key) {
        assert_eq!(call!(C_CloseAllSessions(self.slot(Reader::First, key).id())), CKR_OK, "C_CloseAllSessions");
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // A test may already have finalized the module.
        let _ = self.client.clone().finalize();
    }
}

/// The environment variable that names a settings file.
const CONFIG: &str = "JPKI_PKCS11_CONFIG";

/// Replaces the user's own settings of the module, which must not change what the tests expect. The only setting leaves
/// the readers outside of the stack alone, because a card there must not get our PINs.
fn use_no_settings() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let file = lasting("settings").join("none");
        let readers = "readers = \"Virtual PCD 00 0*, Other PCD 00 0*, *J*[*h 00 0*, *(21120703310203) 00 0*\"\n";
        fs::write(&file, readers).expect("a file in cargo's target folder");
        // SAFETY: the tests take turns, and this happens in the first one that uses the module.
        unsafe { env::set_var(CONFIG, file) };
    });
}

/// A settings file that the environment names until this value is dropped. The module reads it in C_Initialize only.
struct SettingsFile {
    file: PathBuf,
    before: Option<OsString>,
}

impl SettingsFile {
    fn with(text: &str) -> Self {
        let (file, before) = (scratch("settings"), env::var_os(CONFIG));
        fs::write(&file, text).expect("a file in cargo's target folder");
        // SAFETY: the tests take turns, and no thread that an earlier test has left behind reads the environment.
        unsafe { env::set_var(CONFIG, &file) };
        SettingsFile { file, before }
    }
}

impl Drop for SettingsFile {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: as above.
            unsafe { env::set_var(CONFIG, before) };
        }
        let _ = fs::remove_file(&self.file);
    }
}

/// A PIN in the form of the client library.
#[must_use]
pub fn pin(digits: &str) -> AuthPin {
    AuthPin::new(digits.into())
}

/// The result of a call, with the module's return value as the error.
///
/// # Panics
/// If the error is not the module's.
#[track_caller]
pub fn outcome<T>(answer: Result<T>) -> std::result::Result<T, RvError> {
    answer.map_err(|error| match error {
        Error::Pkcs11(error, _) => error,
        error => panic!("not an answer of the module: {error}"),
    })
}

/// Checks that a call has failed with this return value.
///
/// # Panics
/// If it has not.
#[track_caller]
pub fn is<T>(answer: Result<T>, wanted: RvError) {
    assert_eq!(outcome(answer).map(|_| ()), Err(wanted));
}

/// What clients do with the objects of a session.
pub trait Objects {
    /// All objects of a class.
    fn all(&self, class: ObjectClass) -> Vec<ObjectHandle>;
    /// The one object of a class.
    fn one(&self, class: ObjectClass) -> ObjectHandle;
    /// The holder's certificate: the one with the key's CKA_ID.
    fn certificate(&self) -> Vec<u8>;
    /// Checks that there is no login: no private key is listed, and a key that was known before does not sign.
    ///
    /// # Panics
    /// If there is one.
    fn refuses_to_sign(&self, known: ObjectHandle);
    /// Finds the private key, and signs.
    ///
    /// # Errors
    /// Those of the module.
    ///
    /// # Panics
    /// If no private key is listed.
    fn sign_with_key(&self, mechanism: &Mechanism<'_>, data: &[u8]) -> Result<Vec<u8>>;
    /// Signs some data with SHA256_RSA_PKCS, and checks the signature with OpenSSL.
    ///
    /// # Errors
    /// Those of the module.
    fn sign_well(&self) -> Result<()>;
}

impl Objects for Session {
    #[track_caller]
    fn all(&self, class: ObjectClass) -> Vec<ObjectHandle> {
        self.find_objects(&[Attribute::Class(class)]).expect("C_FindObjects")
    }

    #[track_caller]
    fn one(&self, class: ObjectClass) -> ObjectHandle {
        let found = self.all(class);
        let [object] = found.as_slice() else { panic!("one object of the class {class}, not {found:?}") };
        *object
    }

    #[track_caller]
    fn certificate(&self) -> Vec<u8> {
        let key = self.one(ObjectClass::PUBLIC_KEY);
        let id = self.get_attributes(key, &[AttributeType::Id]).expect("CKA_ID of the public key").remove(0);
        let template =
            [id, Attribute::Class(ObjectClass::CERTIFICATE), Attribute::CertificateType(CertificateType::X_509)];
        let found = self.find_objects(&template).expect("C_FindObjects");
        let [certificate] = found.as_slice() else { panic!("one certificate, not {found:?}") };
        match self.get_attributes(*certificate, &[AttributeType::Value]).expect("CKA_VALUE").remove(0) {
            Attribute::Value(value) => value,
            other => panic!("not a value: {other:?}"),
        }
    }

    #[track_caller]
    fn refuses_to_sign(&self, known: ObjectHandle) {
        assert_eq!(self.all(ObjectClass::PRIVATE_KEY), [], "a private key is listed without a login");
        let answer = outcome(self.sign(&Mechanism::Sha256RsaPkcs, known, b"data"));
        assert!(matches!(answer, Err(RvError::UserNotLoggedIn | RvError::KeyHandleInvalid)), "{answer:?}");
    }

    #[track_caller]
    fn sign_with_key(&self, mechanism: &Mechanism<'_>, data: &[u8]) -> Result<Vec<u8>> {
        let found = self.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])?;
        let [key] = found.as_slice() else { panic!("one private key, not {found:?}") };
        self.sign(mechanism, *key, data)
    }

    fn sign_well(&self) -> Result<()> {
        let data = b"to be signed";
        let signature = self.sign_with_key(&Mechanism::Sha256RsaPkcs, data)?;
        assert!(crate::verifies(&self.certificate(), &["-sha256"], data, &signature), "the signature is wrong");
        Ok(())
    }
}
