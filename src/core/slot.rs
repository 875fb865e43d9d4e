//! Slots and what they say of themselves and their tokens (PKCS#11 3.2 §5.5).

use std::sync::Arc;

use cryptoki_sys::*;

use super::error::Error;
use super::module::Module;
use super::session::SESSIONS_MAX;
use super::text::{MANUFACTURER, cut, padded};
use crate::settings::{Labels, PinPads, Slots};
use crate::token::{Contents, KeyPair, PinPad, Reader, Token, Tries};

/// The authority that issues the cards' certificates.
const TOKEN_MANUFACTURER: &str = "J-LIS";

/// One slot: one key pair of whatever card is in a reader. The id never changes its meaning while the process lives.
pub(super) struct Slot {
    pub(super) id: CK_SLOT_ID,
    pub(super) reader: Arc<Reader>,
    pub(super) key_pair: KeyPair,
}

impl Slot {
    /// The slots of all readers, each reader with both key pairs, in the order in which the readers were first seen.
    pub(super) fn of_readers(readers: Vec<Arc<Reader>>) -> impl Iterator<Item = Slot> {
        let pairs = readers.into_iter().flat_map(|reader| KeyPair::ALL.map(|key_pair| (Arc::clone(&reader), key_pair)));
        pairs.zip(0..).map(|((reader, key_pair), id)| Slot { id, reader, key_pair })
    }

    /// The token in it.
    ///
    /// # Errors
    /// [`Error::TokenNotPresent`]. A card of another kind counts as none, in agreement with CKF_TOKEN_PRESENT.
    pub(super) fn token(&self) -> Result<Arc<Token>, Error> {
        self.reader.contents().token(self.key_pair).ok_or(Error::TokenNotPresent)
    }
}

impl Module {
    /// The ids of the slots that a program sees. Readers are looked for only when `look` says so (PKCS#11 3.2 §5.5.1:
    /// new slots become visible with a call that asks for the length only).
    #[must_use]
    pub fn slot_ids(&self, token_present: bool, look: bool) -> Vec<CK_SLOT_ID> {
        let listed = *self.listed.lock();
        let readers = match listed.filter(|_| !look) {
            // Without those that other functions have noticed since: readers only ever come behind the others.
            Some(listed) => self.readers().known().into_iter().take(listed).collect(),
            None => {
                let readers = self.look_for_readers();
                *self.listed.lock() = Some(readers.len());
                readers
            }
        };
        Slot::of_readers(readers)
            .filter(|slot| self.shows(slot.key_pair))
            .filter(|slot| !token_present || slot.token().is_ok())
            .map(|slot| slot.id)
            .collect()
    }

    pub(super) fn look_for_readers(&self) -> Vec<Arc<Reader>> {
        self.readers().refresh(|name| self.settings().wants_reader(name))
    }

    /// The slots of key pairs that the settings leave out keep their ids, but nobody sees them.
    pub(super) fn shows(&self, key_pair: KeyPair) -> bool {
        match self.settings().slots {
            Slots::Both => true,
            Slots::Authentication => key_pair == KeyPair::Authentication,
            Slots::Signature => key_pair == KeyPair::Signature,
        }
    }

    /// A slot by its id.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`].
    pub(super) fn slot(&self, id: CK_SLOT_ID) -> Result<Slot, Error> {
        let find = |readers| Slot::of_readers(readers).find(|slot| slot.id == id && self.shows(slot.key_pair));
        // A program may know an id from an earlier run, and ask for it without listing the slots first.
        find(self.readers().known()).or_else(|| find(self.look_for_readers())).ok_or(Error::SlotIdInvalid)
    }

    /// Whether there is a token in a slot, for functions that do no more with it.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`], [`Error::TokenNotPresent`].
    pub fn look_for_token(&self, id: CK_SLOT_ID) -> Result<(), Error> {
        self.slot(id)?.token().map(|_| ())
    }

    /// C_GetSlotInfo. Costs no APDU once the card is recognised.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`].
    pub fn slot_info(&self, id: CK_SLOT_ID) -> Result<CK_SLOT_INFO, Error> {
        let slot = self.slot(id)?;
        let mut flags = CKF_REMOVABLE_DEVICE | CKF_HW_SLOT;
        if let Contents::Jpki(_) = slot.reader.contents() {
            flags |= CKF_TOKEN_PRESENT;
        }
        let suffix = match slot.key_pair {
            KeyPair::Authentication => " (auth)",
            KeyPair::Signature => " (sign)",
        };
        // A long name is shortened, so that the two slots of a reader stay apart.
        let name = slot.reader.name();
        let room = 64 - suffix.len();
        let description = format!("{}{suffix}", cut(name, room));
        Ok(CK_SLOT_INFO {
            slotDescription: padded(&description),
            manufacturerID: padded(MANUFACTURER),
            flags,
            hardwareVersion: CK_VERSION { major: 0, minor: 0 },
            firmwareVersion: CK_VERSION { major: 0, minor: 0 },
        })
    }

    /// C_GetTokenInfo. Costs no APDU once the card is recognised, unless our own last login has changed the tries
    /// left.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`], [`Error::TokenNotPresent`], and those of talking to the card.
    pub fn token_info(&self, id: CK_SLOT_ID) -> Result<CK_TOKEN_INFO, Error> {
        let slot = self.slot(id)?;
        let token = slot.token()?;
        let tries = token.tries()?;
        let (pin_min, pin_max) = slot.key_pair.pin_length().into_inner();
        let (sessions, read_write) = self.count_sessions(&token);
        let pad_flag = if self.pin_pad(&token).verifies { CKF_PROTECTED_AUTHENTICATION_PATH } else { 0 };
        Ok(CK_TOKEN_INFO {
            label: padded(self.token_label(slot.key_pair)),
            manufacturerID: padded(TOKEN_MANUFACTURER),
            model: padded(token.model()),
            serialNumber: padded(token.serial()),
            flags: token_flags(&token, tries) | pad_flag,
            ulMaxSessionCount: SESSIONS_MAX as CK_ULONG,
            ulSessionCount: sessions as CK_ULONG,
            ulMaxRwSessionCount: SESSIONS_MAX as CK_ULONG,
            ulRwSessionCount: read_write as CK_ULONG,
            ulMaxPinLen: pin_max.into(),
            ulMinPinLen: pin_min.into(),
            ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
            ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
            ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
            ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
            hardwareVersion: CK_VERSION { major: 0, minor: 0 },
            firmwareVersion: CK_VERSION { major: 0, minor: 0 },
            // No clock on the card.
            utcTime: padded(""),
        })
    }

    /// What the reader's PIN pad can do for a token. No feature of a reader tells whether its pad can type letters
    /// (PC/SC part 10), so that the settings have to say it.
    pub(super) fn pin_pad(&self, token: &Token) -> PinPad {
        let wanted = match self.settings().pin_pad {
            PinPads::Auto => token.key_pair() == KeyPair::Authentication,
            PinPads::Letters => true,
            PinPads::Off => false,
        };
        if wanted { token.pin_pad() } else { PinPad::default() }
    }

    /// What a password prompt shows, so that it must tell the user which PIN to type.
    pub(super) fn token_label(&self, key_pair: KeyPair) -> &'static str {
        match (self.settings().labels, key_pair) {
            (Labels::English, KeyPair::Authentication) => "JPKI User Authentication",
            (Labels::English, KeyPair::Signature) => "JPKI Digital Signature",
            (Labels::Japanese, KeyPair::Authentication) => "JPKI 利用者証明用 (4桁)",
            (Labels::Japanese, KeyPair::Signature) => "JPKI 署名用 (英数6-16桁)",
        }
    }
}

/// The flags of CK_TOKEN_INFO (PKCS#11 3.2 §3.2).
fn token_flags(token: &Token, tries: Tries) -> CK_FLAGS {
    // Write-protected: no object can be made or changed. A PIN can, and a read/write session opens.
    let mut flags = CKF_RNG | CKF_WRITE_PROTECTED | CKF_TOKEN_INITIALIZED;
    if token.is_issued() {
        flags |= CKF_USER_PIN_INITIALIZED | CKF_LOGIN_REQUIRED;
    }
    let all = token.key_pair().tries();
    flags
        | match tries {
            Tries::Left(0) => CKF_USER_PIN_LOCKED | CKF_USER_PIN_COUNT_LOW,
            Tries::Left(1) => CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW,
            Tries::Left(left) if left < all => CKF_USER_PIN_COUNT_LOW,
            Tries::Left(_) | Tries::Stale | Tries::Unsaid => 0,
        }
}
