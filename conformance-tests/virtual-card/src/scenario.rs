//! The options that describe a card: its PINs, certificates, kind, speed and quirks.

use std::time::Duration;

use clap::{Args, ValueEnum};
use jpki_virtual_card::{Filler, LeaveBehaviour, LockedQuery, Options, Phone, Presence};

/// The options of the card. Their defaults are those of [`Options`].
#[derive(Args)]
pub(crate) struct CardArguments {
    #[command(flatten)]
    pins: PinArguments,
    #[command(flatten)]
    certificates: CertificateArguments,
    #[command(flatten)]
    kind: KindArguments,
    #[command(flatten)]
    link: LinkArguments,
    #[command(flatten)]
    verified: VerifiedArguments,
}

#[derive(Args)]
#[command(next_help_heading = "PINs")]
struct PinArguments {
    /// The authentication PIN: four digits on a real card
    #[arg(long, value_name = "PIN", default_value = "1234")]
    auth_pin: String,
    /// The signature password: 6 to 16 capital letters and digits on a real card
    #[arg(long, value_name = "PIN", default_value = "ABC123")]
    sign_pin: String,
    /// Tries left for the authentication PIN; 0 is a locked PIN
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=15))]
    auth_tries: u8,
    /// Tries left for the signature password; 0 is a locked password
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=15))]
    sign_tries: u8,
    /// The answer to the query for the authentication PIN's tries when none is left: locked, or never set
    #[arg(long, value_name = "SW", value_enum, ignore_case = true, default_value_t)]
    auth_pin_query: Query,
    /// The same for the signature password
    #[arg(long, value_name = "SW", value_enum, ignore_case = true, default_value_t)]
    sign_pin_query: Query,
}

#[derive(Args)]
#[command(next_help_heading = "Certificates")]
struct CertificateArguments {
    /// The user authentication certificate, EF 000A
    #[arg(long, value_enum, default_value_t)]
    auth_certificate: CertificateFile,
    /// The digital signature certificate, EF 0001; children's cards and cards after a move have none
    #[arg(long, value_enum, default_value_t)]
    sign_certificate: CertificateFile,
    /// The certificate of the authority for authentication, EF 000B
    #[arg(long, value_enum, default_value_t)]
    auth_ca_certificate: CertificateFile,
    /// The certificate of the authority for signatures, EF 0002
    #[arg(long, value_enum, default_value_t)]
    sign_ca_certificate: CertificateFile,
    /// Certificates that ended a year ago; earlier with --ca-generation 2015 or 2019
    #[arg(long)]
    expired: bool,
    /// Size of the files with the holder's certificates
    #[arg(long, value_name = "BYTES", default_value_t = 3808)]
    ef_size: usize,
    /// The bytes behind these certificates, and in blank files
    #[arg(long, value_enum, default_value_t)]
    filler: FillerBytes,
}

#[derive(Args)]
#[command(next_help_heading = "Kind of card")]
struct KindArguments {
    /// A phone instead of the plastic card
    #[arg(long, value_enum)]
    phone: Option<PhoneKind>,
    /// Another label in the token information (EF 0006), as a card of the next generation may have
    #[arg(long, value_name = "TEXT")]
    token_label: Option<String>,
    /// A card that has no PSS: P1 = 04 and 05 of the signing command answer 6A86
    #[arg(long)]
    no_pss: bool,
    /// A card that refuses short file identifiers with 6A86
    #[arg(long)]
    no_short_identifiers: bool,
    /// A card without the common application, which holds the card's number
    #[arg(long)]
    no_common_ap: bool,
    /// A card that is no My Number Card: it knows no application
    #[arg(long)]
    foreign: bool,
    /// The card's number, 15 digits
    #[arg(long, value_name = "DIGITS", default_value_t = Options::default().serial, value_parser = digits::<15>)]
    serial: String,
    /// The code of the card's municipality, 5 digits
    #[arg(long, value_name = "DIGITS", default_value_t = Options::default().municipality, value_parser = digits::<5>)]
    municipality: String,
    /// The card's last day, YYYYMMDD
    #[arg(long, value_name = "DIGITS", default_value_t = Options::default().expiry, value_parser = digits::<8>)]
    expiry: String,
}

#[derive(Args)]
#[command(next_help_heading = "Link and time")]
struct LinkArguments {
    /// The ATR of a contactless reader
    #[arg(long)]
    contactless: bool,
    /// Any other ATR
    #[arg(long, value_name = "HEX", value_parser = bytes)]
    atr: Option<Bytes>,
    /// A card that does not answer to power, like one that lies the wrong way round: the reader only sees it
    #[arg(long)]
    unresponsive: bool,
    /// Slow the link down: 1000 is a contact reader at 9600 baud, 10000 to 20000 a contactless one
    #[arg(long, value_name = "BYTES_PER_S", value_parser = clap::value_parser!(u32).range(1..))]
    speed: Option<u32>,
    /// How long a signature takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    sign_delay_ms: u64,
    /// Answer the first command after power comes on with 6F00, as one real card did
    #[arg(long)]
    first_command_6f00: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Life of a verified PIN")]
struct VerifiedArguments {
    /// What happens when a program selects the issuer security domain to lock the PINs again
    #[arg(long, value_enum, default_value_t)]
    leave: Leave,
    /// Selecting the JPKI application again locks the PINs; a real card keeps them unlocked
    #[arg(long)]
    reselect_clears: bool,
    /// A warm reset locks the PINs; a real card keeps them unlocked
    #[arg(long)]
    warm_reset_clears: bool,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Query {
    /// No tries left; VERIFY answers 6984
    #[default]
    #[value(name = "63C0")]
    NoTries,
    /// Blocked; VERIFY answers the same
    #[value(name = "6984")]
    Blocked,
    /// Not set; VERIFY answers the same
    #[value(name = "6A88")]
    NotSet,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum CertificateFile {
    /// The file holds its certificate
    #[default]
    Present,
    /// Readable without PIN, only filler: see --filler
    Blank,
    /// Readable with the PIN, only filler
    ProtectedBlank,
    /// No such file: SELECT answers 6A82
    Missing,
    /// An empty file
    Empty,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum FillerBytes {
    /// FF
    #[default]
    #[value(name = "ff")]
    Ones,
    /// 00
    #[value(name = "00")]
    Zeros,
    /// FF, and from the middle on 00
    Mixed,
}

#[derive(Clone, Copy, ValueEnum)]
enum PhoneKind {
    /// Label JPKIAPGPSETOKEN; the authentication certificate asks for its PIN
    Android,
    /// Label JPKIAPIOSTOKEN
    Iphone,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Leave {
    /// 9000, and the PINs are locked, as on a real card
    #[default]
    Clears,
    /// 6A82, nothing changes; selecting another application locks the PINs
    Refused,
    /// 6A82, also for the other applications: only cutting the power locks the PINs
    RefusedAll,
    /// 9000, but nothing changes
    Lies,
}

impl CardArguments {
    /// The card that the arguments describe.
    pub(crate) fn options(self) -> Options {
        let CardArguments { pins, certificates, kind, link, verified } = self;
        Options {
            auth_pin: pins.auth_pin,
            sign_pin: pins.sign_pin,
            auth_tries_left: pins.auth_tries,
            sign_tries_left: pins.sign_tries,
            auth_pin_query: pins.auth_pin_query.into(),
            sign_pin_query: pins.sign_pin_query.into(),
            auth_certificate: certificates.auth_certificate.into(),
            sign_certificate: certificates.sign_certificate.into(),
            auth_ca_certificate: certificates.auth_ca_certificate.into(),
            sign_ca_certificate: certificates.sign_ca_certificate.into(),
            expired: certificates.expired,
            ef_size: certificates.ef_size,
            filler: certificates.filler.into(),
            phone: kind.phone.map(Phone::from),
            token_label: kind.token_label,
            pss: !kind.no_pss,
            short_identifiers: !kind.no_short_identifiers,
            common_ap: !kind.no_common_ap,
            not_my_number_card: kind.foreign,
            serial: kind.serial,
            municipality: kind.municipality,
            expiry: kind.expiry,
            contactless: link.contactless,
            atr: link.atr.map(|Bytes(atr)| atr),
            unresponsive: link.unresponsive,
            speed: link.speed,
            sign_delay: Duration::from_millis(link.sign_delay_ms),
            first_command_6f00: link.first_command_6f00,
            leave: verified.leave.into(),
            reselect_clears: verified.reselect_clears,
            warm_reset_clears: verified.warm_reset_clears,
        }
    }
}

impl From<Query> for LockedQuery {
    fn from(query: Query) -> Self {
        match query {
            Query::NoTries => LockedQuery::NoTries,
            Query::Blocked => LockedQuery::Blocked,
            Query::NotSet => LockedQuery::NotSet,
        }
    }
}

impl From<CertificateFile> for Presence {
    fn from(file: CertificateFile) -> Self {
        match file {
            CertificateFile::Present => Presence::Present,
            CertificateFile::Blank => Presence::Blank,
            CertificateFile::ProtectedBlank => Presence::ProtectedBlank,
            CertificateFile::Missing => Presence::Missing,
            CertificateFile::Empty => Presence::Empty,
        }
    }
}

impl From<FillerBytes> for Filler {
    fn from(filler: FillerBytes) -> Self {
        match filler {
            FillerBytes::Ones => Filler::Ones,
            FillerBytes::Zeros => Filler::Zeros,
            FillerBytes::Mixed => Filler::Mixed,
        }
    }
}

impl From<PhoneKind> for Phone {
    fn from(kind: PhoneKind) -> Self {
        match kind {
            PhoneKind::Android => Phone::Android,
            PhoneKind::Iphone => Phone::Iphone,
        }
    }
}

impl From<Leave> for LeaveBehaviour {
    fn from(leave: Leave) -> Self {
        match leave {
            Leave::Clears => LeaveBehaviour::Clears,
            Leave::Refused => LeaveBehaviour::Refused,
            Leave::RefusedAll => LeaveBehaviour::RefusedAll,
            Leave::Lies => LeaveBehaviour::Lies,
        }
    }
}

/// Bytes given as one argument.
#[derive(Clone)]
struct Bytes(Vec<u8>);

fn bytes(text: &str) -> Result<Bytes, String> {
    parse_hex(text).map(Bytes)
}

/// Exactly `COUNT` digits.
fn digits<const COUNT: usize>(text: &str) -> Result<String, String> {
    if text.len() == COUNT && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!("not {COUNT} digits"))
    }
}

/// Bytes written in hexadecimal.
pub(crate) fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{text} is not hexadecimal");
    let digits = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()));
    let digits: Vec<u8> = digits.collect::<Option<_>>().ok_or_else(wrong)?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Ok((high << 4) | low),
        _ => Err(wrong()),
    });
    pairs.collect()
}
