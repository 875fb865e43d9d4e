//! The two PINs: their tries, and which of them is verified (card-facts §4).

use crate::apdu::Status;
use crate::options::{LockedQuery, Options};
use crate::pin_kind::PinKind;

struct Pin {
    value: Vec<u8>,
    tries_left: u8,
    limit: u8,
    verified: bool,
    locked_query: LockedQuery,
}

impl Pin {
    fn new(kind: PinKind, value: &str, tries_left: u8, locked_query: LockedQuery) -> Pin {
        Pin {
            value: value.as_bytes().to_vec(),
            tries_left: tries_left.min(15),
            limit: kind.limit(),
            verified: false,
            locked_query,
        }
    }
}

/// Both PINs of one card.
pub(crate) struct Pins {
    auth: Pin,
    sign: Pin,
}

impl Pins {
    pub(crate) fn new(options: &Options) -> Pins {
        Pins {
            auth: Pin::new(PinKind::Authentication, &options.auth_pin, options.auth_tries_left, options.auth_pin_query),
            sign: Pin::new(PinKind::Signature, &options.sign_pin, options.sign_tries_left, options.sign_pin_query),
        }
    }

    fn pin(&self, kind: PinKind) -> &Pin {
        match kind {
            PinKind::Authentication => &self.auth,
            PinKind::Signature => &self.sign,
        }
    }

    fn pin_mut(&mut self, kind: PinKind) -> &mut Pin {
        match kind {
            PinKind::Authentication => &mut self.auth,
            PinKind::Signature => &mut self.sign,
        }
    }

    pub(crate) fn is_verified(&self, kind: PinKind) -> bool {
        self.pin(kind).verified
    }

    pub(crate) fn tries_left(&self, kind: PinKind) -> u8 {
        self.pin(kind).tries_left
    }

    pub(crate) fn set_tries_left(&mut self, kind: PinKind, tries: u8) {
        self.pin_mut(kind).tries_left = tries.min(15);
    }

    pub(crate) fn set_value(&mut self, kind: PinKind, value: &[u8]) {
        self.pin_mut(kind).value = value.to_vec();
    }

    /// No PIN is verified any more.
    pub(crate) fn clear_verified(&mut self) {
        self.auth.verified = false;
        self.sign.verified = false;
    }

    /// VERIFY without data: how many tries are left. Never 9000, verified or not (card-facts §4.2).
    pub(crate) fn query(&self, kind: PinKind) -> Status {
        let pin = self.pin(kind);
        match pin.locked_query {
            LockedQuery::Blocked if pin.tries_left == 0 => Status::PIN_BLOCKED,
            LockedQuery::NotSet if pin.tries_left == 0 => Status::NO_REFERENCED_DATA,
            _ => Status::tries_left(pin.tries_left),
        }
    }

    /// VERIFY with data: compares byte for byte, and does not check the form (card-facts §4.1, §4.3). That a PIN that
    /// is too long costs a try as well is a guess: with it, a program that sends such a PIN shows its mistake.
    pub(crate) fn verify(&mut self, kind: PinKind, candidate: &[u8]) -> Result<(), Status> {
        let pin = self.pin_mut(kind);
        if pin.tries_left == 0 {
            return Err(match pin.locked_query {
                LockedQuery::NotSet => Status::NO_REFERENCED_DATA, // a guess
                LockedQuery::NoTries | LockedQuery::Blocked => Status::PIN_BLOCKED, // single source: measured
            });
        }
        if candidate == pin.value {
            pin.tries_left = pin.limit; // a guess (card-facts §4.1)
            pin.verified = true;
            return Ok(());
        }
        pin.tries_left -= 1;
        pin.verified = false; // a guess from JICSAP's rules (card-facts §4.5)
        Err(Status::tries_left(pin.tries_left))
    }

    /// CHANGE REFERENCE DATA: a new value once the old one is verified (card-facts §4.4). That the PIN stays verified
    /// is a guess.
    pub(crate) fn change(&mut self, kind: PinKind, new: &[u8]) -> Result<(), Status> {
        if !self.is_verified(kind) {
            return Err(Status::SECURITY_STATUS);
        }
        if !(1..=16).contains(&new.len()) {
            // A guess; the limit is JICSAP's (card-facts §4.1). VERIFY only compares, but this command stores the PIN.
            return Err(Status::WRONG_LENGTH);
        }
        self.set_value(kind, new);
        Ok(())
    }
}
