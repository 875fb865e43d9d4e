//! Certificates that were never issued: all forms in which a card could present that (card-facts §7).

use jpki_pkcs11::card::{Availability, CertificateFile, Error, KeyPair};
use jpki_virtual_card::{Filler, Options, Presence};

use super::powered;
use crate::support::{AUTH, SIGN, pin};

const FILLERS: [Filler; 3] = [Filler::Ones, Filler::Zeros, Filler::Mixed];

fn absent(key_pair: KeyPair, presence: Presence, short_identifiers: bool) -> Options {
    let mut options = Options { short_identifiers, ..Options::default() };
    match key_pair {
        AUTH => options.auth_certificate = presence,
        SIGN => options.sign_certificate = presence,
    }
    options
}

#[test]
fn each_form_of_an_absent_certificate() {
    // The results of reading before and after the PIN is verified.
    let cases = [
        (AUTH, Presence::Blank, Error::Blank, Error::Blank),
        (AUTH, Presence::ProtectedBlank, Error::Locked, Error::Blank),
        (AUTH, Presence::Missing, Error::NotFound, Error::NotFound),
        (AUTH, Presence::Empty, Error::Blank, Error::Blank),
        (SIGN, Presence::Blank, Error::Blank, Error::Blank),
        (SIGN, Presence::ProtectedBlank, Error::Locked, Error::Blank),
        (SIGN, Presence::Missing, Error::NotFound, Error::NotFound),
        (SIGN, Presence::Empty, Error::Locked, Error::Blank),
    ];
    for short_identifiers in [true, false] {
        for (key_pair, presence, before, after) in cases {
            let case = format!("{key_pair:?} {presence:?}, short identifiers {short_identifiers}");
            let mut card = powered(absent(key_pair, presence, short_identifiers));
            let answer = card.first_work(|application| {
                let file = CertificateFile::EndEntity(key_pair);
                assert_eq!(application.read_certificate(file), Err(before), "{case}, before the PIN");
                application.verify(key_pair, pin(key_pair))?;
                assert_eq!(application.read_certificate(file), Err(after), "{case}, after the PIN");
                assert_eq!(application.availability(key_pair), Availability::Absent, "{case}");
                // The other certificate is unaffected.
                let other = if key_pair == AUTH { SIGN } else { AUTH };
                assert_eq!(application.availability(other), Availability::Present, "{case}");
                application.verify(other, pin(other))?;
                application.read_certificate(CertificateFile::EndEntity(other)).map(|_| ())
            });
            assert_eq!(answer, Ok(()), "{case}");
        }
    }
}

#[test]
fn a_blank_file_of_any_bytes_is_blank() {
    for filler in FILLERS {
        let mut card = powered(Options { filler, ..absent(AUTH, Presence::Blank, true) });
        let read = card.first_work(|application| application.read_certificate(CertificateFile::EndEntity(AUTH)));
        assert_eq!(read, Err(Error::Blank), "{filler:?}");
    }
}

#[test]
fn a_missing_file_does_not_cost_the_short_identifiers() {
    let mut card = powered(absent(AUTH, Presence::Missing, true));
    let mut quirks = jpki_pkcs11::card::Quirks::default();
    let file = CertificateFile::EndEntity(AUTH);
    assert_eq!(card.work(&mut quirks, |application| application.read_certificate(file)).0, Err(Error::NotFound));
    assert!(quirks.short_identifiers);
}

#[test]
fn certificates_fill_their_file_or_do_not() {
    for ef_size in [0, 1590, 2048, 3808, 8000] {
        for filler in FILLERS {
            let mut card = powered(Options { ef_size, filler, ..Options::default() });
            let read = card.first_work(|application| application.read_certificate(CertificateFile::EndEntity(AUTH)));
            assert_eq!(read.map(|der| der.len()), Ok(1590), "in a file of {ef_size} bytes, {filler:?}");
        }
    }
}

#[test]
fn availability_that_says_nothing() {
    for answer in [&b"\x90\x00"[..], b"\x8F\x90\x00", b"\x42\x42\x42\x90\x00", b"\x8F\x8F\x00\x00\x90\x00", b"\x69\x82"]
    {
        let mut card = powered(Options::default());
        card.0.answer_matching(0xB0, 1, answer.to_vec());
        let availability = card.first_work(|application| Ok(application.availability(AUTH)));
        assert_eq!(availability, Ok(Availability::Unknown), "{answer:02X?}");
    }
}
