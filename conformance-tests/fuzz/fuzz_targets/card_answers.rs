//! A program uses a card whose answers the input changes: nothing panics, no try of a PIN is wasted, the card is left
//! locked, and no wrong signature is returned.
//!
//! The input: the number of bytes for the calls, a byte for the settings, three bytes for the card, the calls, and then
//! what happens to the card's answers, one after the other.
#![no_main]

use std::sync::Arc;

use cryptoki_sys::*;
use jpki_fuzz::answers::Answers;
use jpki_fuzz::cards::VirtualCard;
use jpki_fuzz::choices::{ATTRIBUTES, PINS};
use jpki_fuzz::input::Input;
use jpki_fuzz::pad::{Pad, User};
use jpki_fuzz::{machine, signatures};
use jpki_pkcs11::core::{Call, Data, Error, Mechanism, Module, Parameter, PinEntry, PssParameters};
use jpki_pkcs11::settings::Settings;
use jpki_pkcs11::token::Readers;
use libfuzzer_sys::fuzz_target;

/// More calls than this show nothing new. It must stay below the number of refused PINs that the module remembers.
const CALLS_MAX: usize = 24;

const MECHANISMS: [CK_MECHANISM_TYPE; 10] = [
    CKM_RSA_PKCS,
    CKM_SHA256_RSA_PKCS,
    CKM_SHA256_RSA_PKCS_PSS,
    CKM_RSA_PKCS_PSS,
    CKM_SHA1_RSA_PKCS,
    CKM_SHA224_RSA_PKCS,
    CKM_SHA384_RSA_PKCS,
    CKM_SHA512_RSA_PKCS,
    CKM_SHA256,
    CKM_RSA_X_509,
];

/// The program.
struct Program {
    module: Arc<Module>,
    sessions: Vec<CK_SESSION_HANDLE>,
    objects: Vec<CK_OBJECT_HANDLE>,
    signature: Vec<u8>,
    message: Vec<u8>,
    /// The card stays unlocked when the application is left.
    unreliable: bool,
}

fn settings(bits: u8) -> Settings {
    let mut settings = Settings::default();
    let text = [
        if bits & 1 != 0 { "always-authenticate=true" } else { "" },
        if bits & 2 != 0 { "last-try=refuse" } else { "" },
        if bits & 4 != 0 { "ca-certificates=false" } else { "" },
        if bits & 8 != 0 { "labels=ja" } else { "" },
        ["", "", "slots=auth", "slots=sign"][usize::from(bits >> 4 & 3)],
        if bits & 0x40 != 0 { "pin-pad=letters" } else { "" },
    ]
    .join(" ");
    settings.apply_string(&text).expect("settings");
    settings
}

fn mechanism(input: &mut Input<'_>) -> Mechanism {
    let kind = input.pick(&MECHANISMS);
    let pss = matches!(kind, CKM_RSA_PKCS_PSS | CKM_SHA256_RSA_PKCS_PSS);
    let parameter = match pss {
        true => Parameter::Pss(PssParameters { hash: CKM_SHA256, mask: CKG_MGF1_SHA256, salt: 32 }),
        false => Parameter::None,
    };
    Mechanism { kind, parameter }
}

impl Program {
    fn session(&self, input: &mut Input<'_>) -> CK_SESSION_HANDLE {
        if self.sessions.is_empty() { 1 } else { self.sessions[usize::from(input.byte()) % self.sessions.len()] }
    }

    fn object(&self, input: &mut Input<'_>) -> CK_OBJECT_HANDLE {
        if self.objects.is_empty() { 16 } else { self.objects[usize::from(input.byte()) % self.objects.len()] }
    }

    /// A PIN that a user may type: right, wrong, or nonsense.
    fn pin(input: &mut Input<'_>) -> Vec<u8> {
        match input.byte() {
            choice if usize::from(choice) < PINS.len() => PINS[usize::from(choice)].to_vec(),
            255 => input.blob().to_vec(),
            choice => format!("{:04}", u16::from(choice) * 7).into_bytes(),
        }
    }

    /// A PIN that the program passes; `None` if the user types it at the PIN pad.
    fn pin_or_pad(input: &mut Input<'_>) -> Option<Vec<u8>> {
        if Self::at_pad(input) { None } else { Some(Self::pin(input)) }
    }

    /// Whether the user types at the PIN pad, if there is one.
    fn at_pad(input: &mut Input<'_>) -> bool {
        if machine::with(|machine| machine.pad.is_none()) || input.byte() & 1 != 0 {
            return false;
        }
        let user = (0..3).map(|_| match input.byte() {
            0..8 => User::Types(b"1234".to_vec()),
            8..16 => User::Types(b"ABC123".to_vec()),
            status @ 16..20 => User::Fails(0x6400 + u16::from(status - 16)),
            20 => User::Fails(0x6B80),
            21 => User::Error(Answers::error(input)),
            22 => User::Fails(input.word()),
            _ => User::Types(Self::pin(input)),
        });
        let user = user.collect();
        machine::with(|machine| machine.pad.as_mut().map(|pad| pad.user = user));
        true
    }

    /// One value of an object, in a call of its own, because C_GetAttributeValue reports each value by itself.
    fn value(&self, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Option<Vec<u8>> {
        machine::call();
        let value_of = self.module.call(session).and_then(|call| call.attributes(object)).ok()?;
        machine::call();
        value_of(kind).ok().map(|value| value.to_vec())
    }

    fn one_call(&mut self, input: &mut Input<'_>) {
        machine::call();
        let module = &self.module;
        match input.byte() % 24 {
            0 => drop(module.slot_ids(input.byte() & 1 != 0, input.byte() & 1 == 0)),
            1 => {
                for slot in [0, 1] {
                    machine::call();
                    let _ = (module.slot_info(slot), module.mechanisms(slot));
                    if let Ok(info) = module.token_info(slot) {
                        assert!(std::str::from_utf8(&info.model).is_ok() && std::str::from_utf8(&info.label).is_ok());
                    }
                }
            }
            2 | 3 => {
                let bits = input.byte();
                let flags = if bits & 2 != 0 { CKF_RW_SESSION } else { 0 } | CKF_SERIAL_SESSION;
                self.sessions.extend(module.open_session((bits & 1).into(), flags));
            }
            4 | 5 => {
                let session = self.session(input);
                let pin = Self::pin_or_pad(input);
                let _ = module.call(session).and_then(|call| call.login(CKU_USER, entry(&pin)));
            }
            6 | 7 => {
                let session = self.session(input);
                let mut filter = Vec::new();
                let bits = input.byte();
                if bits & 1 != 0 {
                    filter.push((CKA_CLASS, CK_OBJECT_CLASS::from(bits >> 4 & 3).to_ne_bytes().to_vec()));
                }
                if bits & 2 != 0 {
                    filter.push((input.pick(&ATTRIBUTES), input.blob().to_vec()));
                }
                if module.call(session).and_then(|call| call.find_objects_init(&filter)).is_ok() {
                    // The search may have found that the card is gone, and its sessions with it.
                    let found = match module.call(session).and_then(|call| call.find_objects(20)) {
                        Err(Error::SessionHandleInvalid) => return,
                        found => found.expect("a search has begun"),
                    };
                    module.call(session).and_then(|call| call.find_objects_final()).expect("a search has begun");
                    self.objects.retain(|object| !found.contains(object));
                    self.objects.extend(found);
                }
            }
            8 => {
                let (session, object) = (self.session(input), self.object(input));
                for attribute in ATTRIBUTES {
                    self.value(session, object, attribute);
                }
            }
            9..=11 => self.sign(input),
            12 => {
                let (session, key, mechanism) = (self.session(input), self.object(input), mechanism(input));
                let signature = self.signature.clone();
                if input.byte() & 1 == 0 {
                    if module.call(session).and_then(|call| call.verify_init(mechanism, key)).is_ok() {
                        let _ = module.call(session).and_then(|call| call.verify(&self.message, &signature));
                    }
                } else {
                    let call = |work: &dyn Fn(Call) -> Result<(), Error>| module.call(session).and_then(work);
                    if call(&|call| call.verify_signature_init(mechanism, key, &signature)).is_ok() {
                        let _ = call(&|call| call.verify_signature_update(&self.message));
                        let _ = call(&|call| call.verify_signature_final());
                    }
                }
            }
            13 => {
                let length = usize::from(input.word() & 0x3FF);
                if let Ok(bytes) = module.call(self.session(input)).and_then(|call| call.random(length)) {
                    assert_eq!(bytes.len(), length);
                }
            }
            14 => {
                let session = self.session(input);
                // Without a login there is no logout, so a card that stays unlocked is not noticed.
                let _ = match Self::at_pad(input) {
                    true => module.call(session).and_then(|call| call.set_pin(PinEntry::OnPad, PinEntry::OnPad)),
                    false => {
                        let (old, new) = (Self::pin(input), Self::pin(input));
                        module.call(session).and_then(|call| call.set_pin(PinEntry::Typed(&old), PinEntry::Typed(&new)))
                    }
                };
            }
            15 => drop(module.call(self.session(input)).and_then(|call| call.logout())),
            16 => {
                let session = self.session(input);
                let _ = module.close_session(session);
                self.sessions.retain(|other| *other != session);
            }
            17 => drop(module.close_all_sessions((input.byte() & 1).into())),
            18 => drop((
                module.call(self.session(input)).map(|call| call.session_info()),
                module.wait_for_slot_event(false),
            )),
            19 => self.recover(input),
            20 => drop(module.call(self.session(input)).and_then(|call| call.object_size(self.object(input)))),
            21 => machine::with(|machine| machine.move_card()),
            22 => {
                let error = Answers::error(input);
                let what = input.byte();
                machine::with(|machine| match what {
                    _ if what & 1 == 0 => machine.next_begin = Some(error),
                    0x80.. => machine.turn_card(),
                    _ => machine.next_state = Some(error),
                });
            }
            _ => {
                // Signing with a PIN for each signature.
                let (session, key) = (self.session(input), self.object(input));
                if module.call(session).and_then(|call| call.sign_init(mechanism(input), key)).is_ok() {
                    machine::call();
                    let pin = Self::pin_or_pad(input);
                    let _ = module.call(session).and_then(|call| call.login(CKU_CONTEXT_SPECIFIC, entry(&pin)));
                    machine::call();
                    let message = input.blob();
                    if let Ok(signature) = module.call(session).and_then(|call| call.sign_final(message)) {
                        (self.message, self.signature) = (message.to_vec(), signature.to_vec());
                    }
                }
            }
        }
        if machine::with(|machine| machine.is_kept()) {
            let logged_in = |session: &CK_SESSION_HANDLE| {
                let info = self.module.call(*session).map(|call| call.session_info());
                info.is_ok_and(|info| matches!(info.state, CKS_RO_USER_FUNCTIONS | CKS_RW_USER_FUNCTIONS))
            };
            let anybody = self.sessions.iter().any(logged_in);
            let kept = machine::with(|machine| machine.is_kept());
            assert!(anybody || !kept, "the card is kept, but nobody is logged in");
        } else if !self.unreliable && !machine::with(|machine| machine.tampered) {
            assert!(machine::with(|machine| machine.is_locked()), "the card is left unlocked");
        }
    }

    fn sign(&mut self, input: &mut Input<'_>) {
        let (session, key, mechanism) = (self.session(input), self.object(input), mechanism(input));
        let message = match input.byte() & 3 {
            0 => vec![0xA5; 32],
            1 => input.take(32).to_vec(),
            _ => input.blob().to_vec(),
        };
        if self.module.call(session).and_then(|call| call.sign_init(mechanism, key)).is_err() {
            return;
        }
        machine::call();
        let length = self.module.call(session).and_then(|call| call.signature_length(Data::InParts)).ok();
        let (first, rest) = message.split_at(message.len() / 2);
        let answer = match self.module.call(session).and_then(|call| call.sign_update(first)) {
            Ok(()) => self.module.call(session).and_then(|call| call.sign_final(rest)),
            Err(error) => Err(error),
        };
        if let Ok(signature) = answer {
            assert_eq!(length, Some(signature.len()), "the signature does not have the announced length");
            self.check(session, key, mechanism.kind, &message, &signature);
            (self.message, self.signature) = (message, signature.to_vec());
        }
    }

    /// Asserts that a signature fits the key as the token shows it.
    fn check(
        &self,
        session: CK_SESSION_HANDLE,
        key: CK_OBJECT_HANDLE,
        kind: CK_MECHANISM_TYPE,
        message: &[u8],
        signature: &[u8],
    ) {
        let values = [CKA_MODULUS, CKA_PUBLIC_EXPONENT].map(|attribute| self.value(session, key, attribute));
        // The card may have gone meanwhile, or the login may have ended.
        if let [Some(modulus), Some(exponent)] = values {
            assert!(
                signatures::verifies(kind, message, signature, &modulus, &exponent),
                "the module returns a wrong signature"
            );
        }
    }

    fn recover(&mut self, input: &mut Input<'_>) {
        let (session, key) = (self.session(input), self.object(input));
        let raw = Mechanism { kind: CKM_RSA_PKCS, parameter: Parameter::None };
        let message = input.blob();
        if self.module.call(session).and_then(|call| call.sign_recover_init(raw, key)).is_ok() {
            machine::call();
            if let Ok(signature) = self.module.call(session).and_then(|call| call.sign_recover(message)) {
                self.check(session, key, CKM_RSA_PKCS, message, &signature);
                self.signature = signature.to_vec();
            }
        }
        machine::call();
        for key in self.objects.clone() {
            machine::call();
            if self.module.call(session).and_then(|call| call.verify_recover_init(raw, key)).is_ok() {
                match self.module.call(session).and_then(|call| call.verify_recover(&self.signature)) {
                    Ok(_) | Err(Error::SignatureInvalid | Error::SignatureLenRange | Error::SessionHandleInvalid) => {}
                    Err(error) => panic!("C_VerifyRecover: {error:?}"),
                }
                let _ = self.module.call(session).map(|call| call.session_cancel(CKF_VERIFY_RECOVER));
            }
        }
    }
}

fn entry(pin: &Option<Vec<u8>>) -> PinEntry<'_> {
    pin.as_deref().map_or(PinEntry::OnPad, PinEntry::Typed)
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let (calls, bits) = (input.byte(), input.byte());
    let card = VirtualCard::new(&mut input);
    let mut calls = Input::new(input.take(calls.into()));
    let unreliable = card.lies;
    machine::set_up(Box::new(card), Answers::new(input.rest()));
    machine::with(|machine| {
        machine.watch.spare_last_try = bits & 2 != 0;
        machine.pad = match bits >> 6 {
            0 => None,
            1 | 2 => Some(Pad::new()),
            _ => Some(Pad::that_lies(&mut calls)),
        };
    });

    let module = Arc::new(Module::new(settings(bits), Readers::of_this_machine));
    let (sessions, objects) = (Vec::new(), Vec::new());
    let mut program = Program { module, sessions, objects, signature: Vec::new(), message: Vec::new(), unreliable };
    for _ in 0..CALLS_MAX {
        if calls.is_empty() {
            break;
        }
        program.one_call(&mut calls);
    }
    machine::call();
    program.module.finalize();
    drop(program);
    machine::tear_down();
});
