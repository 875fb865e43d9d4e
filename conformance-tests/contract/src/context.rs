//! What a case works with: the module, the token under test, and the usual steps before its check.

use std::path::PathBuf;
use std::ptr;

use cryptoki_sys::*;

use crate::check::{fail, is, ok, skip, supported};
use crate::names::name;
use crate::raw::Module;
use crate::rsa::PublicKey;
use crate::verdict::{Outcome, Verdict};

/// Which token is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChoice {
    /// The first one.
    First,
    /// The one with this label.
    Label(String),
    /// The one in this slot.
    Slot(u64),
}

/// What is tested, and how far the tests may go.
#[derive(Debug, Clone)]
pub struct Target {
    /// The module's file.
    pub module: PathBuf,
    /// The token.
    pub token: TokenChoice,
    /// The PIN of the token's user; without one, cases that need a login are skipped.
    pub pin: Option<String>,
    /// The label of the private key; without one, the first RSA key that signs.
    pub key_label: Option<String>,
    /// One wrong PIN may be sent, and PINs that are too short or too long.
    pub risk_tries: bool,
    /// Where the generators begin.
    pub seed: u64,
    /// How many random calls each thread makes, and how many random templates are tried.
    pub rounds: usize,
}

/// A case's way to the module.
pub struct Context {
    pub(crate) m: &'static Module,
    pub(crate) target: Target,
    always_authenticates: bool,
}

/// The objects of the tested key pair in one session.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) private: CK_OBJECT_HANDLE,
    pub(crate) public: Option<CK_OBJECT_HANDLE>,
    pub(crate) certificate: Option<CK_OBJECT_HANDLE>,
    pub(crate) key: PublicKey,
}

impl Keys {
    /// The length of a signature.
    pub(crate) fn size(&self) -> usize {
        self.key.size()
    }

    pub(crate) fn public(&self) -> Result<CK_OBJECT_HANDLE, Verdict> {
        self.public.ok_or_else(|| Verdict::Skip("the token has no public key object".into()))
    }
}

/// Attributes with their values.
pub(crate) type Template = Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>;

/// A value of the type CK_ULONG.
pub(crate) fn number(value: CK_ULONG) -> Vec<u8> {
    value.to_ne_bytes().to_vec()
}

/// An attribute's value as a number.
pub(crate) fn to_number(value: &[u8]) -> Option<CK_ULONG> {
    value.try_into().ok().map(CK_ULONG::from_ne_bytes)
}

/// A template in the form in which functions take it. The values must outlive it.
pub(crate) fn attributes(template: &Template) -> Vec<CK_ATTRIBUTE> {
    let entry = |(type_, value): &(CK_ATTRIBUTE_TYPE, Vec<u8>)| CK_ATTRIBUTE {
        type_: *type_,
        pValue: value.as_ptr().cast_mut().cast(),
        ulValueLen: value.len() as CK_ULONG,
    };
    template.iter().map(entry).collect()
}

/// Bytes as functions take them. The bytes must outlive the call.
pub(crate) fn pointer(bytes: &[u8]) -> (*mut CK_BYTE, CK_ULONG) {
    (bytes.as_ptr().cast_mut(), bytes.len() as CK_ULONG)
}

/// A mechanism without a parameter.
pub(crate) fn mechanism(kind: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: kind, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}

impl Context {
    /// A context for a loaded module.
    #[must_use]
    pub fn new(module: &'static Module, target: Target) -> Self {
        Context { m: module, target, always_authenticates: false }
    }

    /// Skips the case if the module's functions are of an older version.
    pub(crate) fn since(&self, major: u8, minor: u8) -> Outcome {
        let (own_major, own_minor) = self.m.version();
        if (own_major, own_minor) >= (major, minor) {
            return Ok(());
        }
        skip(format!("the module has the functions of version {own_major}.{own_minor}"))
    }

    /// C_Initialize, unless the module is initialized.
    pub(crate) fn start(&self) -> Outcome {
        match self.m.C_Initialize(ptr::null_mut()) {
            CKR_CRYPTOKI_ALREADY_INITIALIZED => Ok(()),
            rv => ok("C_Initialize", rv),
        }
    }

    /// C_Initialize for a program with threads.
    pub(crate) fn start_with_threads(&self) -> Outcome {
        let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
        ok("C_Initialize", self.m.C_Initialize((&raw mut arguments).cast()))
    }

    pub(crate) fn slots(&self, with_token: bool) -> Result<Vec<CK_SLOT_ID>, Verdict> {
        let present = if with_token { CK_TRUE } else { CK_FALSE };
        let mut count = 0;
        ok("C_GetSlotList", self.m.C_GetSlotList(present, ptr::null_mut(), &raw mut count))?;
        let mut slots = vec![0; count as usize];
        ok("C_GetSlotList", self.m.C_GetSlotList(present, slots.as_mut_ptr(), &raw mut count))?;
        slots.truncate(count as usize);
        Ok(slots)
    }

    pub(crate) fn token_info(&self, slot: CK_SLOT_ID) -> Result<CK_TOKEN_INFO, Verdict> {
        let mut info = CK_TOKEN_INFO::default();
        ok("C_GetTokenInfo", self.m.C_GetTokenInfo(slot, &raw mut info))?;
        Ok(info)
    }

    /// The slot of the token under test, with the module initialized.
    pub(crate) fn slot(&self) -> Result<CK_SLOT_ID, Verdict> {
        self.start()?;
        let is_it = |slot: &CK_SLOT_ID| match &self.target.token {
            TokenChoice::First => true,
            TokenChoice::Slot(id) => slot == id,
            TokenChoice::Label(label) => self
                .token_info(*slot)
                .is_ok_and(|info| String::from_utf8_lossy(&info.label).trim_end() == label.trim_end()),
        };
        let found = self.slots(true)?.into_iter().find(is_it);
        found.ok_or_else(|| Verdict::Fail(format!("no such token: {:?}", self.target.token)))
    }

    pub(crate) fn open(&self, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE, Verdict> {
        let slot = self.slot()?;
        let mut session = CK_INVALID_HANDLE;
        let rv = self.m.C_OpenSession(slot, flags | CKF_SERIAL_SESSION, ptr::null_mut(), None, &raw mut session);
        ok("C_OpenSession", rv)?;
        Ok(session)
    }

    /// A read-only session, nobody logged in.
    pub(crate) fn session(&self) -> Result<CK_SESSION_HANDLE, Verdict> {
        self.open(0)
    }

    /// The user's PIN.
    pub(crate) fn pin(&self) -> Result<Vec<u8>, Verdict> {
        self.target.pin.as_ref().map(|pin| pin.clone().into_bytes()).ok_or_else(|| Verdict::Skip("no PIN given".into()))
    }

    /// C_Login with the right PIN.
    pub(crate) fn login(&self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE) -> Result<CK_RV, Verdict> {
        let mut pin = self.pin()?;
        Ok(self.m.C_Login(session, user, pin.as_mut_ptr(), pin.len() as CK_ULONG))
    }

    /// A read-only session with the user logged in.
    pub(crate) fn logged_in(&self) -> Result<CK_SESSION_HANDLE, Verdict> {
        let session = self.session()?;
        ok("C_Login", self.login(session, CKU_USER)?)?;
        Ok(session)
    }

    pub(crate) fn state(&self, session: CK_SESSION_HANDLE) -> Result<CK_STATE, Verdict> {
        let mut info = CK_SESSION_INFO::default();
        ok("C_GetSessionInfo", self.m.C_GetSessionInfo(session, &raw mut info))?;
        Ok(info.state)
    }

    /// One search, from its start to its end.
    pub(crate) fn find(&self, session: CK_SESSION_HANDLE, filter: &Template) -> Result<Vec<CK_OBJECT_HANDLE>, Verdict> {
        let mut template = attributes(filter);
        let rv = self.m.C_FindObjectsInit(session, template.as_mut_ptr(), template.len() as CK_ULONG);
        ok("C_FindObjectsInit", rv)?;
        let (mut all, mut some, mut count) = (Vec::new(), [0; 16], 1);
        while count > 0 {
            let rv = self.m.C_FindObjects(session, some.as_mut_ptr(), some.len() as CK_ULONG, &raw mut count);
            ok("C_FindObjects", rv)?;
            all.extend_from_slice(&some[..(count as usize).min(some.len())]);
        }
        ok("C_FindObjectsFinal", self.m.C_FindObjectsFinal(session))?;
        Ok(all)
    }

    /// The value of one attribute, or the module's error.
    pub(crate) fn get(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        type_: CK_ATTRIBUTE_TYPE,
    ) -> Result<Vec<u8>, CK_RV> {
        let mut entry = CK_ATTRIBUTE { type_, ..Default::default() };
        match self.m.C_GetAttributeValue(session, object, &raw mut entry, 1) {
            CKR_OK if entry.ulValueLen == CK_UNAVAILABLE_INFORMATION => return Err(CKR_ATTRIBUTE_TYPE_INVALID),
            CKR_OK => {}
            rv => return Err(rv),
        }
        // A word more than needed: an empty value needs a valid pointer as well.
        let mut value = vec![0_u8; entry.ulValueLen as usize + 8];
        entry.pValue = value.as_mut_ptr().cast();
        match self.m.C_GetAttributeValue(session, object, &raw mut entry, 1) {
            CKR_OK => {
                value.truncate(entry.ulValueLen as usize);
                Ok(value)
            }
            rv => Err(rv),
        }
    }

    /// The value of an attribute that the case needs.
    pub(crate) fn must_get(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        type_: CK_ATTRIBUTE_TYPE,
    ) -> Result<Vec<u8>, Verdict> {
        self.get(session, object, type_)
            .map_err(|rv| Verdict::Fail(format!("C_GetAttributeValue of attribute {type_:#x}: {}", name(rv))))
    }

    /// The key pair under test, in a session with the user logged in.
    pub(crate) fn keys(&mut self, session: CK_SESSION_HANDLE) -> Result<Keys, Verdict> {
        let mut filter = vec![(CKA_CLASS, number(CKO_PRIVATE_KEY)), (CKA_KEY_TYPE, number(CKK_RSA))];
        if let Some(label) = &self.target.key_label {
            filter.push((CKA_LABEL, label.clone().into_bytes()));
        }
        let found = self.find(session, &filter)?;
        let signs = |key: &CK_OBJECT_HANDLE| self.get(session, *key, CKA_SIGN) == Ok(vec![CK_TRUE]);
        let Some(private) = found.into_iter().find(signs) else { return skip("no RSA key that signs") };
        self.always_authenticates = self.get(session, private, CKA_ALWAYS_AUTHENTICATE) == Ok(vec![CK_TRUE]);
        let id = self.must_get(session, private, CKA_ID)?;
        let of_class = |class| -> Result<_, Verdict> {
            Ok(self.find(session, &vec![(CKA_CLASS, number(class)), (CKA_ID, id.clone())])?.first().copied())
        };
        let (public, certificate) = (of_class(CKO_PUBLIC_KEY)?, of_class(CKO_CERTIFICATE)?);
        let holder = public.unwrap_or(private);
        let key = PublicKey {
            modulus: self.must_get(session, holder, CKA_MODULUS)?,
            exponent: self.must_get(session, holder, CKA_PUBLIC_EXPONENT)?,
        };
        Ok(Keys { private, public, certificate, key })
    }

    /// A session with the user logged in, and the key pair.
    pub(crate) fn ready(&mut self) -> Result<(CK_SESSION_HANDLE, Keys), Verdict> {
        let session = self.logged_in()?;
        let keys = self.keys(session)?;
        Ok((session, keys))
    }

    /// C_SignInit, and the PIN once more if the key requires it (CKA_ALWAYS_AUTHENTICATE).
    pub(crate) fn sign_init(&self, session: CK_SESSION_HANDLE, keys: &Keys, kind: CK_MECHANISM_TYPE) -> Outcome {
        supported("C_SignInit", self.m.C_SignInit(session, &mut mechanism(kind), keys.private))?;
        self.pin_again(session)
    }

    /// C_Login with the PIN once more, if the key requires it for each signature.
    pub(crate) fn pin_again(&self, session: CK_SESSION_HANDLE) -> Outcome {
        if self.always_authenticates {
            ok("C_Login (context specific)", self.login(session, CKU_CONTEXT_SPECIFIC)?)
        } else {
            Ok(())
        }
    }

    /// A whole signature, into a buffer that is long enough.
    pub(crate) fn sign(
        &self,
        session: CK_SESSION_HANDLE,
        keys: &Keys,
        kind: CK_MECHANISM_TYPE,
        data: &[u8],
    ) -> Result<Vec<u8>, Verdict> {
        self.sign_init(session, keys, kind)?;
        let (mut signature, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
        let (from, size) = (data.as_ptr().cast_mut(), data.len() as CK_ULONG);
        ok("C_Sign", self.m.C_Sign(session, from, size, signature.as_mut_ptr(), &raw mut length))?;
        signature.truncate(length as usize);
        Ok(signature)
    }

    /// C_VerifyInit, then C_Verify: the return value of C_Verify.
    pub(crate) fn verify(
        &self,
        session: CK_SESSION_HANDLE,
        key: CK_OBJECT_HANDLE,
        kind: CK_MECHANISM_TYPE,
        data: &[u8],
        signature: &[u8],
    ) -> Result<CK_RV, Verdict> {
        supported("C_VerifyInit", self.m.C_VerifyInit(session, &mut mechanism(kind), key))?;
        let (from, size) = (data.as_ptr().cast_mut(), data.len() as CK_ULONG);
        Ok(self.m.C_Verify(session, from, size, signature.as_ptr().cast_mut(), signature.len() as CK_ULONG))
    }

    /// A function that begins an operation (`init`) refuses a parameter for a mechanism that has none.
    pub(crate) fn refuses_parameter(
        &self,
        what: &str,
        kind: CK_MECHANISM_TYPE,
        init: impl Fn(*mut CK_MECHANISM) -> CK_RV,
    ) -> Outcome {
        let junk = [7_u8; 16];
        let mut kind = mechanism(kind);
        (kind.pParameter, kind.ulParameterLen) = (junk.as_ptr().cast_mut().cast(), 16);
        is(what, init(&raw mut kind), CKR_MECHANISM_PARAM_INVALID)
    }

    /// No digest is under way.
    pub(crate) fn no_digest(&self, session: CK_SESSION_HANDLE) -> Outcome {
        let mut byte = 0;
        is("C_DigestUpdate afterwards", self.m.C_DigestUpdate(session, &raw mut byte, 1), CKR_OPERATION_NOT_INITIALIZED)
    }

    /// No signature is under way.
    pub(crate) fn no_signature(&self, session: CK_SESSION_HANDLE) -> Outcome {
        let mut byte = 0;
        is("C_SignUpdate afterwards", self.m.C_SignUpdate(session, &raw mut byte, 1), CKR_OPERATION_NOT_INITIALIZED)
    }

    /// Skips the case unless the options allow it to use tries of the PIN.
    pub(crate) fn may_risk_tries(&self) -> Outcome {
        if self.target.risk_tries { Ok(()) } else { skip("only with --risk-tries") }
    }

    /// A session that another case might have disturbed still answers.
    pub(crate) fn still_there(&self, session: CK_SESSION_HANDLE) -> Outcome {
        let mut info = CK_SESSION_INFO::default();
        match self.m.C_GetSessionInfo(session, &raw mut info) {
            CKR_OK => Ok(()),
            rv => fail(format!("C_GetSessionInfo afterwards: {}", name(rv))),
        }
    }
}
