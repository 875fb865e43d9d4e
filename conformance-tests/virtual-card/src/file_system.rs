//! The files of the card, their contents and the access to them (card-facts §1.4, §2).

use std::collections::BTreeMap;

use crate::options::{Filler, Options, Phone, Presence};
use crate::pin_kind::PinKind;
use crate::{Application, Identity};

/// The file that holds the signature certificate: its contents are personal data on a real card.
pub(crate) const SIGN_CERTIFICATE: u16 = 0x0001;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Free,
    Pin(PinKind),
    Never,
}

/// One elementary file.
#[derive(Debug)]
pub(crate) enum File {
    /// Bytes for READ BINARY.
    Data { content: Vec<u8>, access: Access },
    /// Records for READ RECORD.
    Records(Vec<Vec<u8>>),
    /// A private key, used once its PIN is verified.
    Key(PinKind),
    /// A PIN.
    Pin(PinKind),
    /// A key or counter whose use nobody has described: it can only be selected.
    Internal,
}

/// The files under each application.
#[derive(Debug)]
pub(crate) struct FileSystem {
    jpki: BTreeMap<u16, File>,
    common: BTreeMap<u16, File>,
}

impl FileSystem {
    /// A phone gets all that the plastic card has, except for the known differences (card-facts §6.7): a guess, also
    /// for the common application.
    pub(crate) fn new(identity: &Identity, options: &Options) -> FileSystem {
        FileSystem {
            jpki: jpki_files(identity, options),
            common: BTreeMap::from([(0x0001, File::Records(vec![card_record(options)]))]),
        }
    }

    /// The file of that identifier; the issuer security domain has no files (card-facts §1.3).
    pub(crate) fn find(&self, application: Application, id: u16) -> Option<&File> {
        match application {
            Application::IssuerSecurityDomain => None,
            Application::Jpki => self.jpki.get(&id),
            Application::Common => self.common.get(&id),
        }
    }
}

/// The seventeen files of a sweep (card-facts §2; the list as a whole is single source). Some of them have no known
/// use: 0009 can be read with neither PIN and 001E is internal (single source). It is a guess that 0005 is like 0009,
/// that both answer 6982, and that 0019 and 001C are internal. 0010 and 0016 are references to keys.
fn jpki_files(identity: &Identity, options: &Options) -> BTreeMap<u16, File> {
    let (auth, sign) = if options.expired {
        (identity.expired_auth_certificate(), identity.expired_sign_certificate())
    } else {
        (identity.auth_certificate(), identity.sign_certificate())
    };
    let auth_access = if options.phone == Some(Phone::Android) {
        Access::Pin(PinKind::Authentication) // single source (card-facts §2, EF 000A)
    } else {
        Access::Free
    };
    let free = |content: Vec<u8>| File::Data { content, access: Access::Free };
    let unreadable = || File::Data { content: Vec::new(), access: Access::Never };
    let mut files = BTreeMap::from([
        (0x0005, unreadable()),
        (0x0006, free(token_information(options))),
        (0x0008, free(availability(options))),
        (0x0009, unreadable()),
        (0x0010, File::Internal),
        (0x0016, File::Internal),
        (0x0017, File::Key(PinKind::Authentication)),
        (0x0018, File::Pin(PinKind::Authentication)),
        (0x0019, File::Internal),
        (0x001A, File::Key(PinKind::Signature)),
        (0x001B, File::Pin(PinKind::Signature)),
        (0x001C, File::Internal),
        (0x001E, File::Internal),
    ]);
    let sign_access = Access::Pin(PinKind::Signature);
    let auth_pin = PinKind::Authentication;
    let sign_pin = PinKind::Signature;
    let (auth_ca, sign_ca) = (identity.auth_ca_certificate(), identity.sign_ca_certificate());
    // Authorities' files have the size of their certificate: their real size is not known.
    for (id, presence, der, size, access, pin) in [
        (SIGN_CERTIFICATE, options.sign_certificate, sign, options.ef_size, sign_access, sign_pin),
        (0x0002, options.sign_ca_certificate, sign_ca, sign_ca.len(), Access::Free, sign_pin),
        (0x000A, options.auth_certificate, auth, options.ef_size, auth_access, auth_pin),
        (0x000B, options.auth_ca_certificate, auth_ca, auth_ca.len(), Access::Free, auth_pin),
    ] {
        let (content, access) = match presence {
            Presence::Present => (padded(der, size, options.filler), access),
            Presence::Blank => (padded(&[], size, options.filler), Access::Free),
            Presence::ProtectedBlank => (padded(&[], size, options.filler), Access::Pin(pin)),
            Presence::Empty => (Vec::new(), access),
            Presence::Missing => continue,
        };
        files.insert(id, File::Data { content, access });
    }
    files
}

/// `content`, and filler up to `size` (card-facts §2.3).
fn padded(content: &[u8], size: usize, filler: Filler) -> Vec<u8> {
    let size = size.max(content.len());
    let ones = match filler {
        Filler::Ones => size,
        Filler::Zeros => content.len(),
        Filler::Mixed => content.len().midpoint(size),
    };
    let mut file = content.to_vec();
    file.resize(ones, 0xFF);
    file.resize(size, 0x00);
    file
}

/// EF 0008 (card-facts §2.2, single source): signature, authentication, unknown. The value for an absent certificate is
/// a guess.
fn availability(options: &Options) -> Vec<u8> {
    let flag = |presence| if presence == Presence::Present { 0x8F } else { 0x00 };
    vec![flag(options.sign_certificate), flag(options.auth_certificate), 0x00]
}

/// EF 0006 (card-facts §2.1): a CK_TOKEN_INFO with big-endian integers. The layout is single source; the values are
/// those of a test card, except for the serial number.
fn token_information(options: &Options) -> Vec<u8> {
    let label = match (&options.token_label, options.phone) {
        (Some(label), _) => label,
        (None, None) => "JPKIAPICCTOKEN2",
        (None, Some(Phone::Android)) => "JPKIAPGPSETOKEN",
        (None, Some(Phone::Iphone)) => "JPKIAPIOSTOKEN",
    };
    let text = |value: &str, size: usize| {
        let bytes = value.bytes().chain(std::iter::repeat(b' '));
        bytes.take(size).collect::<Vec<u8>>()
    };
    let mut file = text(label, 32);
    file.extend(text("00000000000000000000000000000001", 32)); // manufacturerID
    file.extend(text("E16R01NJ", 16)); // model
    file.extend(text("0000000099900001", 16)); // serialNumber, invented
    let flags = 0x0000_040D;
    let unknown = u32::MAX; // the four memory sizes
    for number in [flags, 1, 0, 1, 0, 16, 6, unknown, unknown, unknown, unknown] {
        file.extend(u32::to_be_bytes(number));
    }
    file.extend(b"03"); // hardwareVersion, as text
    file.extend(b"01"); // firmwareVersion, as text
    file.extend([b'9'; 16]); // utcTime
    file
}

/// The one record of the common application (card-facts §1.4): serial number, municipality, last day.
fn card_record(options: &Options) -> Vec<u8> {
    let text = format!("{}{}{}", options.serial, options.municipality, options.expiry);
    let mut record = vec![0x01, u8::try_from(text.len()).unwrap_or(u8::MAX)];
    record.extend(text.bytes().take(usize::from(u8::MAX)));
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_information_has_its_size_and_fields() {
        let file = token_information(&Options::default());
        assert_eq!(file.len(), 160);
        assert_eq!(&file[..32], b"JPKIAPICCTOKEN2                 ");
        assert_eq!(&file[96..100], [0, 0, 4, 0x0D]);
        assert_eq!(&file[140..144], b"0301");
    }

    #[test]
    fn the_common_record_is_a_simple_tlv_of_28_digits() {
        let record = card_record(&Options::default());
        assert_eq!(record, b"\x01\x1C9900000000000171399920350401");
    }
}
