//! Certificates as a card may hold them: the module reads or leaves out any bytes.
//!
//! The input is the file. Another parser reads the same bytes: if both can read them, they read the same.
#![no_main]

use jpki_fuzz::answers::Answers;
use jpki_fuzz::cards::PaperCard;
use jpki_fuzz::machine;
use jpki_pkcs11::token::{Certificate, KeyPair, LastTry, Readers, Scheme};
use libfuzzer_sys::fuzz_target;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey};
use x509_cert::der::{Decode, Encode};

/// The longest file that READ BINARY reaches.
const FILE_MAX: usize = 0x7FFF;

fn contains(whole: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

fn check(certificate: &Certificate, file: &[u8]) {
    let der = certificate.der();
    assert!(file.starts_with(der), "other bytes than those of the file");
    for field in
        [certificate.subject(), certificate.issuer(), certificate.serial_number(), certificate.public_key_info()]
    {
        assert!(contains(der, field), "a field that is not in the certificate");
    }
    for date in [certificate.not_before(), certificate.not_after()] {
        assert!((1..=12).contains(&date.month) && (1..=31).contains(&date.day) && date.year <= 9999, "{date:?}");
    }
    let _ = certificate.authority_key_identifier();
    let key = certificate.public_key();
    assert_eq!(key.size(), key.bits().div_ceil(8));
    assert_eq!(key.modulus().len(), key.size());
    // A signature is valid only for what it recovers to. Big numbers take a hundred times longer than all the rest.
    if key.bits() > 512 && file.last().is_some_and(|last| last % 16 != 0) {
        return;
    }
    for seed in [0x00, 0x01, 0x7F, 0xFF] {
        let signature = vec![seed; key.size()];
        match key.recover(&signature) {
            Some(message) => assert!(key.accepts(Scheme::Pkcs1, &message, &signature)),
            None => assert!(!key.accepts(Scheme::Pkcs1, b"message", &signature)),
        }
        let _ = key.accepts(Scheme::PssSha256, &[0x5A; 32], &signature);
        let _ = key.accepts(Scheme::PssSha256, &[0x5A; 32], &signature[1..]);
    }
}

/// What a second parser reads from the same bytes.
fn compare(ours: Option<&Certificate>, file: &[u8]) {
    let [0x30, 0x82, high, low, ..] = *file else { return };
    let length = usize::from(u16::from_be_bytes([high, low])) + 4;
    let Some(der) = file.get(..length) else { return };
    let Ok(theirs) = x509_cert::Certificate::from_der(der) else { return };
    let fields = &theirs.tbs_certificate;
    let Ok(info) = fields.subject_public_key_info.to_der() else { return };
    let Ok(key) = RsaPublicKey::from_public_key_der(&info) else { return };
    if !(0x0104..=FILE_MAX).contains(&length) {
        return;
    }
    let ours = ours.expect("the module reads a certificate that others can read");
    assert_eq!(BigUint::from_bytes_be(&ours.public_key().modulus()), *key.n());
    assert_eq!(Some(ours.serial_number().to_vec()), fields.serial_number.to_der().ok());
    assert_eq!(ours.public_key_info(), info);
    let until = fields.validity.not_after.to_date_time();
    let date = ours.not_after();
    assert_eq!((date.year, date.month, date.day), (until.year(), until.month(), until.day()));
}

fuzz_target!(|file: &[u8]| {
    let file = &file[..file.len().min(FILE_MAX)];
    let files = vec![(0x0A, file.to_vec()), (0x0B, file.to_vec())];
    machine::set_up(Box::new(PaperCard::new(files, Vec::new())), Answers::new(&[]));
    {
        let readers = Readers::of_this_machine(LastTry::Allow).refresh(|_| true);
        let token = readers[0].contents().token(KeyPair::Authentication).expect("a card");
        let certificate = token.certificate().expect("the card answers");
        let authority = token.ca_certificate().expect("the card answers");
        assert_eq!(certificate.is_some(), authority.is_some());
        compare(certificate.as_deref(), file);
        if let Some(certificate) = &certificate {
            check(certificate, file);
        }
    }
    machine::tear_down();
});
