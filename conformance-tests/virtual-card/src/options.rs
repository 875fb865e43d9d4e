//! What may differ from card to card, apart from its keys and certificates.

use std::fmt;
use std::time::Duration;

/// Whether and how a certificate file is there. It is not known how a real card shows that a certificate was never
/// issued; a program must survive each of these candidates (card-facts §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// The file holds its certificate.
    #[default]
    Present,
    /// The file can be read without a PIN, and holds nothing but [`Filler`].
    Blank,
    /// The file asks for its PIN (6982), and then holds nothing but filler.
    ProtectedBlank,
    /// The file is not there: SELECT answers 6A82.
    Missing,
    /// The file is there, but has no bytes. Its access rule is that of a file with a certificate.
    Empty,
}

/// The bytes behind a certificate, and those of a blank certificate file. One author read "0xFF and/or 0x00" behind the
/// certificates of a card (card-facts §2.3, single source); nothing is known about blank files (§7). Authorities' files
/// have no filler behind their certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filler {
    /// FF.
    #[default]
    Ones,
    /// 00.
    Zeros,
    /// FF, and from the middle on 00. It is a fact that both occur; their order is a guess.
    Mixed,
}

/// A phone that carries the application in the place of the plastic card (card-facts §2.1, §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phone {
    /// Token label `JPKIAPGPSETOKEN`; the authentication certificate asks for its PIN.
    Android,
    /// Token label `JPKIAPIOSTOKEN`; answers the last-command indicator `80 FC 00 00`.
    Iphone,
}

/// The answer to the query for the tries left of a PIN without tries. 63C0 was measured on a locked reference of
/// another application (card-facts §4.2, single source). The answer for a PIN that was never set is not known; these
/// are the candidates (§7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockedQuery {
    /// 63C0, as for a locked PIN; VERIFY answers 6984.
    #[default]
    NoTries,
    /// 6984, as VERIFY does.
    Blocked,
    /// 6A88, "reference key not set"; that VERIFY answers the same is a guess from these words.
    NotSet,
}

/// What happens when a program leaves the application by selecting the issuer security domain (card-facts §4.5:
/// that this clears the verified state rests on a single source, so programs should cope with the others).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaveBehaviour {
    /// 9000, and no PIN is verified any more.
    #[default]
    Clears,
    /// 6A82, and nothing changes; another application can be selected, which clears.
    Refused,
    /// 6A82, and the same for every other application: only cutting the power locks the card.
    RefusedAll,
    /// 9000, and nothing changes: the application stays selected and unlocked.
    Lies,
}

/// Everything about a card but its [`Identity`](crate::Identity). The default is a plastic card with both certificates
/// in a contact reader that costs no time.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// The four-digit PIN of the user authentication key. Default `1234`.
    pub auth_pin: String,
    /// The password of the digital signature key. Default `ABC123`.
    pub sign_pin: String,
    /// Tries left for the authentication PIN; 0 is a locked PIN. Default 3, at most 15.
    pub auth_tries_left: u8,
    /// Tries left for the signature password; 0 is a locked one. Default 5, at most 15.
    pub sign_tries_left: u8,
    /// The answer to the query for the authentication PIN's tries when none is left.
    pub auth_pin_query: LockedQuery,
    /// The same for the signature password.
    pub sign_pin_query: LockedQuery,
    /// The certificate for user authentication, EF 000A.
    pub auth_certificate: Presence,
    /// The certificate for digital signature, EF 0001.
    pub sign_certificate: Presence,
    /// The certificate of the authority that issued EF 000A, EF 000B.
    pub auth_ca_certificate: Presence,
    /// The certificate of the authority that issued EF 0001, EF 0002.
    pub sign_ca_certificate: Presence,
    /// Both certificates have ended: the card holds the expired ones of its identity.
    pub expired: bool,
    /// A phone instead of the plastic card.
    pub phone: Option<Phone>,
    /// A label in the token information, EF 0006, instead of the card's or the phone's; at most 32 bytes count.
    pub token_label: Option<String>,
    /// Signs with RSASSA-PSS (`80 2A` P1 = 04 and 05); otherwise these answer 6A86. Default true.
    pub pss: bool,
    /// Accepts short file identifiers in READ BINARY, READ RECORD, VERIFY, CHANGE REFERENCE DATA and signing;
    /// otherwise all of them answer 6A86 (a guess: nobody has reported such a card). Default true.
    pub short_identifiers: bool,
    /// The first command after power comes on is answered 6F00, as on one card seen (card-facts §1.3).
    pub first_command_6f00: bool,
    /// The time one signature takes.
    pub sign_delay: Duration,
    /// The card has the ATR that a contactless reader makes up.
    pub contactless: bool,
    /// The speed of the link in bytes per second: 1000 is a contact reader at 9600 baud, 10000 to 20000 a
    /// contactless one. Without it, the link costs no time.
    pub speed: Option<u32>,
    /// The fifteen-digit number of the card, in the record of the common application.
    pub serial: String,
    /// The five-digit code of the municipality, in the same record.
    pub municipality: String,
    /// The card's last day, YYYYMMDD, in the same record.
    pub expiry: String,
    /// The card has the common application; otherwise its SELECT answers 6A82. Default true.
    pub common_ap: bool,
    /// What selecting the issuer security domain does.
    pub leave: LeaveBehaviour,
    /// Selecting the JPKI application again locks its PINs; a real card keeps them unlocked (card-facts §4.5).
    pub reselect_clears: bool,
    /// A warm reset acts like a power cycle; a real card does not notice it (card-facts §4.5).
    pub warm_reset_clears: bool,
    /// The size of the two files with the holder's certificates; the space behind the certificate is filler.
    pub ef_size: usize,
    /// The filler in these files and in blank files.
    pub filler: Filler,
    /// An ATR instead of that which `contactless` chooses.
    pub atr: Option<Vec<u8>>,
    /// A card that is no My Number Card: SELECT by name always answers 6A82.
    pub not_my_number_card: bool,
    /// A card that gets no power: it lies the wrong way round, or its contacts are dirty. The reader sees the card, but
    /// gets no answer.
    pub unresponsive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            auth_pin: "1234".to_owned(),
            sign_pin: "ABC123".to_owned(),
            auth_tries_left: crate::PinKind::Authentication.limit(),
            sign_tries_left: crate::PinKind::Signature.limit(),
            auth_pin_query: LockedQuery::NoTries,
            sign_pin_query: LockedQuery::NoTries,
            auth_certificate: Presence::Present,
            sign_certificate: Presence::Present,
            auth_ca_certificate: Presence::Present,
            sign_ca_certificate: Presence::Present,
            expired: false,
            phone: None,
            token_label: None,
            pss: true,
            short_identifiers: true,
            first_command_6f00: false,
            sign_delay: Duration::ZERO,
            contactless: false,
            speed: None,
            serial: "990000000000017".to_owned(),
            municipality: "13999".to_owned(),
            expiry: "20350401".to_owned(),
            common_ap: true,
            leave: LeaveBehaviour::Clears,
            reselect_clears: false,
            warm_reset_clears: false,
            ef_size: 3808, // card-facts §2.3: read from one card, may be an artefact of how it was read
            filler: Filler::Ones,
            atr: None,
            not_my_number_card: false,
            unresponsive: false,
        }
    }
}

/// Everything but the PINs.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("auth_tries_left", &self.auth_tries_left)
            .field("sign_tries_left", &self.sign_tries_left)
            .field("auth_pin_query", &self.auth_pin_query)
            .field("sign_pin_query", &self.sign_pin_query)
            .field("auth_certificate", &self.auth_certificate)
            .field("sign_certificate", &self.sign_certificate)
            .field("auth_ca_certificate", &self.auth_ca_certificate)
            .field("sign_ca_certificate", &self.sign_ca_certificate)
            .field("expired", &self.expired)
            .field("phone", &self.phone)
            .field("token_label", &self.token_label)
            .field("pss", &self.pss)
            .field("short_identifiers", &self.short_identifiers)
            .field("first_command_6f00", &self.first_command_6f00)
            .field("sign_delay", &self.sign_delay)
            .field("contactless", &self.contactless)
            .field("speed", &self.speed)
            .field("serial", &self.serial)
            .field("municipality", &self.municipality)
            .field("expiry", &self.expiry)
            .field("common_ap", &self.common_ap)
            .field("leave", &self.leave)
            .field("reselect_clears", &self.reselect_clears)
            .field("warm_reset_clears", &self.warm_reset_clears)
            .field("ef_size", &self.ef_size)
            .field("filler", &self.filler)
            .field("atr", &self.atr)
            .field("not_my_number_card", &self.not_my_number_card)
            .field("unresponsive", &self.unresponsive)
            .finish_non_exhaustive()
    }
}
