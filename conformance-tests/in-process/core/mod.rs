//! What a program sees: `core::Module`, with everything below it and a virtual card at the end.

mod always_authenticate;
mod attributes;
mod budgets;
mod digests;
mod events;
mod objects;
mod pin_pad;
mod program;
mod sessions;
mod signing;
mod slots;
mod unreachable;
mod verifying;

use std::sync::Arc;

use cryptoki_sys::*;
use jpki_pkcs11::core::{Error, Mechanism, Module, Parameter, PssParameters};
use jpki_pkcs11::settings::Settings;
use jpki_pkcs11::token::{KeyPair, Readers};
use jpki_virtual_card::Options;

use crate::machine::{Machine, Plastic};
use crate::support::{AUTH, SIGN, machine_with, pin, plastic};

/// The slots of the first reader.
pub(crate) const AUTH_SLOT: CK_SLOT_ID = 0;
pub(crate) const SIGN_SLOT: CK_SLOT_ID = 1;

pub(crate) const READ_WRITE: CK_FLAGS = CKF_SERIAL_SESSION | CKF_RW_SESSION;

pub(crate) fn slot_of(key_pair: KeyPair) -> CK_SLOT_ID {
    match key_pair {
        AUTH => AUTH_SLOT,
        SIGN => SIGN_SLOT,
    }
}

/// A program that has initialised the module.
pub(crate) struct Program {
    pub(crate) machine: Machine,
    pub(crate) card: Plastic,
    pub(crate) module: Arc<Module>,
}

impl std::ops::Deref for Program {
    type Target = Module;

    fn deref(&self) -> &Module {
        &self.module
    }
}

pub(crate) fn module_on(machine: &Machine, settings: Settings) -> Arc<Module> {
    Arc::new(Module::new(settings, |last_try| Readers::new(Arc::new(machine.clone()), last_try)))
}

impl Program {
    pub(crate) fn new() -> Self {
        Self::with_card(Options::default())
    }

    pub(crate) fn with_card(options: Options) -> Self {
        Self::with(options, Settings::default())
    }

    pub(crate) fn with(options: Options, settings: Settings) -> Self {
        let card = plastic(options);
        let machine = machine_with(&card);
        let module = module_on(&machine, settings);
        Program { machine, card, module }
    }

    pub(crate) fn open(&self, key_pair: KeyPair) -> CK_SESSION_HANDLE {
        self.open_session(slot_of(key_pair), READ_WRITE).expect("a session")
    }

    /// A session whose user is logged in.
    pub(crate) fn open_logged_in(&self, key_pair: KeyPair) -> CK_SESSION_HANDLE {
        let session = self.open(key_pair);
        self.login(session, CKU_USER, pin(key_pair)).expect("the right PIN");
        session
    }

    pub(crate) fn find(&self, session: CK_SESSION_HANDLE, filter: &Filter) -> Vec<CK_OBJECT_HANDLE> {
        self.find_objects_init(session, filter).expect("a search");
        let found = self.find_objects(session, 100).expect("the result of the search");
        self.find_objects_final(session).expect("the end of the search");
        found
    }

    /// The classes of all objects that a session sees.
    pub(crate) fn classes(&self, session: CK_SESSION_HANDLE) -> Vec<CK_OBJECT_CLASS> {
        let found = self.find(session, &Filter::new());
        found.into_iter().map(|object| self.number(session, object, CKA_CLASS)).collect()
    }

    /// The only object of a class; for certificates, the holder's.
    pub(crate) fn object(&self, session: CK_SESSION_HANDLE, class: CK_OBJECT_CLASS) -> CK_OBJECT_HANDLE {
        let mut filter = vec![(CKA_CLASS, of_number(class))];
        if class == CKO_CERTIFICATE {
            filter.push((CKA_CERTIFICATE_CATEGORY, of_number(CK_CERTIFICATE_CATEGORY_TOKEN_USER)));
        }
        match self.find(session, &filter)[..] {
            [object] => object,
            ref others => panic!("{} objects of class {class}", others.len()),
        }
    }

    pub(crate) fn value(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        attribute: CK_ATTRIBUTE_TYPE,
    ) -> Vec<u8> {
        let value = self.attributes(session, object).expect("the object")(attribute);
        value.unwrap_or_else(|error| panic!("attribute {attribute:X}: {error:?}")).to_vec()
    }

    pub(crate) fn number(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        attribute: CK_ATTRIBUTE_TYPE,
    ) -> CK_ULONG {
        CK_ULONG::from_ne_bytes(self.value(session, object, attribute).try_into().expect("a CK_ULONG"))
    }

    /// C_SignInit and C_Sign with the private key that the session sees.
    pub(crate) fn sign(&self, session: CK_SESSION_HANDLE, mechanism: Mechanism, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign_init(session, mechanism, self.object(session, CKO_PRIVATE_KEY))?;
        self.sign_final(session, data).map(|signature| signature.to_vec())
    }
}

pub(crate) fn of_number(number: CK_ULONG) -> Vec<u8> {
    number.to_ne_bytes().to_vec()
}

/// A template to search with.
pub(crate) type Filter = Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>;

pub(crate) fn class(class: CK_OBJECT_CLASS) -> Filter {
    vec![(CKA_CLASS, of_number(class))]
}

/// A mechanism without a parameter.
pub(crate) fn plain(kind: CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism { kind, parameter: Parameter::None }
}

/// The only PSS that the card knows.
pub(crate) fn pss(kind: CK_MECHANISM_TYPE) -> Mechanism {
    let parameters = PssParameters { hash: CKM_SHA256, mask: CKG_MGF1_SHA256, salt: 32 };
    Mechanism { kind, parameter: Parameter::Pss(parameters) }
}
