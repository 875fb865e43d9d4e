//! Slots, and what they say of themselves and their tokens (PKCS#11 3.2 §5.5).

use std::sync::Arc;

use cryptoki_sys::*;
use parking_lot::Mutex;

use super::error::Error;
use super::session::{SESSIONS_MAX, SessionCount};
use super::text::{MANUFACTURER, padded, shortened};
use crate::settings::{Labels, PinPads, Settings, ShownTokens};
use crate::token::{Contents, KeyPair, PinPad, Reader, Readers, Token, Tries};

/// The authority that issues the cards' certificates.
const TOKEN_MANUFACTURER: &str = "J-LIS";

/// The length of CK_SLOT_INFO's description, in bytes (PKCS#11 3.2 §3.2).
const DESCRIPTION_LENGTH: usize = 64;

/// The slots of all readers: two for each reader, one for each key pair of whatever card is in it.
pub(super) struct SlotList {
    readers: Readers,
    settings: Arc<Settings>,
    /// How many readers C_GetSlotList shows: as many as there were when it last asked for them.
    listed: Mutex<Option<usize>>,
}

impl SlotList {
    pub(super) fn new(readers: Readers, settings: Arc<Settings>) -> Self {
        SlotList { readers, settings, listed: Mutex::default() }
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The ids of the slots that a program sees, all of them or only those with a token. Asks for new readers only if
    /// `refresh` says so.
    pub(super) fn ids(&self, token_present: bool, refresh: bool) -> Vec<CK_SLOT_ID> {
        let listed = *self.listed.lock();
        let readers = match listed.filter(|_| !refresh) {
            // Without those that other functions have found since: new readers only ever come behind the others.
            Some(listed) => self.readers.known().into_iter().take(listed).collect(),
            None => {
                let readers = self.refresh_readers();
                *self.listed.lock() = Some(readers.len());
                readers
            }
        };
        let slots = self.visible(readers).filter(|slot| !token_present || slot.token().is_ok());
        slots.map(|slot| slot.id).collect()
    }

    /// The slots of all readers, after it has asked for new readers.
    pub(super) fn refresh(&self) -> Vec<Slot> {
        self.visible(self.refresh_readers()).collect()
    }

    /// A slot by its id.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`].
    pub(super) fn get(&self, id: CK_SLOT_ID) -> Result<Slot, Error> {
        let find = |readers| self.visible(readers).find(|slot| slot.id == id);
        // A program may know an id from an earlier run, and use it without listing the slots first.
        find(self.readers.known()).or_else(|| find(self.refresh_readers())).ok_or(Error::SlotIdInvalid)
    }

    fn refresh_readers(&self) -> Vec<Arc<Reader>> {
        self.readers.refresh(|name| self.settings.wants_reader(name))
    }

    /// The slots of these readers, each reader with both key pairs, in the order in which the readers were first seen. The
    /// slots of key pairs that the settings leave out keep their ids, but nobody sees them.
    fn visible(&self, readers: Vec<Arc<Reader>>) -> impl Iterator<Item = Slot> + use<> {
        let shown = self.settings.slots;
        let pairs = readers.into_iter().flat_map(|reader| KeyPair::ALL.map(|key_pair| (Arc::clone(&reader), key_pair)));
        let slots = pairs.zip(0..).map(|((reader, key_pair), id)| Slot { id, reader, key_pair });
        slots.filter(move |slot| match shown {
            ShownTokens::Both => true,
            ShownTokens::Authentication => slot.key_pair == KeyPair::Authentication,
            ShownTokens::Signature => slot.key_pair == KeyPair::Signature,
        })
    }
}

/// One slot: one key pair of whatever card is in a reader. The id never changes its meaning while the process lives.
pub(super) struct Slot {
    pub(super) id: CK_SLOT_ID,
    pub(super) reader: Arc<Reader>,
    key_pair: KeyPair,
}

impl Slot {
    /// The token in it.
    ///
    /// # Errors
    /// [`Error::TokenNotPresent`]. A card of another kind counts as none, in agreement with CKF_TOKEN_PRESENT.
    pub(super) fn token(&self) -> Result<Arc<Token>, Error> {
        self.reader.contents().token(self.key_pair).ok_or(Error::TokenNotPresent)
    }

    /// CK_SLOT_INFO.
    pub(super) fn info(&self) -> CK_SLOT_INFO {
        let mut flags = CKF_REMOVABLE_DEVICE | CKF_HW_SLOT;
        if let Contents::Jpki(_) = self.reader.contents() {
            flags |= CKF_TOKEN_PRESENT;
        }
        let suffix = match self.key_pair {
            KeyPair::Authentication => " (auth)",
            KeyPair::Signature => " (sign)",
        };
        // The two slots of a reader must stay apart, and two readers of the same model too.
        let name = shortened(self.reader.name(), DESCRIPTION_LENGTH - suffix.len());
        CK_SLOT_INFO {
            slotDescription: padded(&format!("{name}{suffix}")),
            manufacturerID: padded(MANUFACTURER),
            flags,
            hardwareVersion: CK_VERSION { major: 0, minor: 0 },
            firmwareVersion: CK_VERSION { major: 0, minor: 0 },
        }
    }

    /// CK_TOKEN_INFO; `count` counts the sessions of the token.
    ///
    /// # Errors
    /// [`Error::TokenNotPresent`], and those of talking to the card.
    pub(super) fn token_info(
        &self,
        settings: &Settings,
        count: impl FnOnce(&Token) -> SessionCount,
    ) -> Result<CK_TOKEN_INFO, Error> {
        let token = self.token()?;
        let tries = token.tries()?;
        let (pin_min, pin_max) = self.key_pair.pin_length().into_inner();
        let sessions = count(&token);
        let pad_flag = if pin_pad(settings, &token).verifies { CKF_PROTECTED_AUTHENTICATION_PATH } else { 0 };
        Ok(CK_TOKEN_INFO {
            label: padded(label(settings.labels, self.key_pair)),
            manufacturerID: padded(TOKEN_MANUFACTURER),
            model: padded(token.model()),
            serialNumber: padded(token.serial()),
            flags: token_flags(&token, tries) | pad_flag,
            ulMaxSessionCount: SESSIONS_MAX as CK_ULONG,
            ulSessionCount: sessions.all as CK_ULONG,
            ulMaxRwSessionCount: SESSIONS_MAX as CK_ULONG,
            ulRwSessionCount: sessions.read_write as CK_ULONG,
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
}

/// What the reader's PIN pad can do for a token. No feature of a reader shows whether its pad can type letters (PC/SC part
/// 10), so the settings have to say it.
pub(super) fn pin_pad(settings: &Settings, token: &Token) -> PinPad {
    let wanted = match settings.pin_pad {
        PinPads::Auto => token.key_pair() == KeyPair::Authentication,
        PinPads::Letters => true,
        PinPads::Off => false,
    };
    if wanted { token.pin_pad() } else { PinPad::default() }
}

/// The label of a token. Password prompts show it, so it must say which PIN to type.
fn label(language: Labels, key_pair: KeyPair) -> &'static str {
    match (language, key_pair) {
        (Labels::English, KeyPair::Authentication) => "JPKI User Authentication",
        (Labels::English, KeyPair::Signature) => "JPKI Digital Signature",
        (Labels::Japanese, KeyPair::Authentication) => "JPKI 利用者証明用 (4桁)",
        (Labels::Japanese, KeyPair::Signature) => "JPKI 署名用 (英数6-16桁)",
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
