//! Every command, on cards that know different forms of it.

use jpki_pkcs11::card::{Availability, CertificateFile, Error, KeyPair, Quirks, RAW_INPUT_MAX, Scheme, card_number};
use jpki_virtual_card::{Options, Phone, test_identity};

use super::powered;
use crate::support::{AUTH, SIGN, is_signature, pin};

/// Cards that take short file identifiers or not, and whose first command is lost or not.
fn cards() -> impl Iterator<Item = Options> {
    [(true, false), (true, true), (false, false), (false, true)].into_iter().map(
        |(short_identifiers, first_command_6f00)| Options {
            short_identifiers,
            first_command_6f00,
            ..Options::default()
        },
    )
}

#[test]
fn all_that_is_readable_without_a_pin() {
    let identity = test_identity();
    for options in cards() {
        let mut card = powered(options.clone());
        let answer = card.first_work(|application| {
            assert_eq!(application.token_label()?, "JPKIAPICCTOKEN2");
            assert_eq!(application.availability(AUTH), Availability::Present);
            assert_eq!(application.availability(SIGN), Availability::Present);
            assert_eq!(application.tries_left(AUTH)?, Some(3));
            assert_eq!(application.tries_left(SIGN)?, Some(5));
            let mut read = |file| application.read_certificate(file).map(|der| der.to_vec());
            assert_eq!(read(CertificateFile::EndEntity(AUTH))?, identity.auth_certificate());
            assert_eq!(read(CertificateFile::Ca(AUTH))?, identity.auth_ca_certificate());
            assert_eq!(read(CertificateFile::Ca(SIGN))?, identity.sign_ca_certificate());
            assert_eq!(read(CertificateFile::EndEntity(SIGN)), Err(Error::Locked));
            Ok(())
        });
        assert_eq!(answer, Ok(()), "{options:?}");
    }
}

#[test]
fn all_that_needs_a_pin() {
    let hash = [7; 32];
    for options in cards() {
        let mut card = powered(options.clone());
        let answer = card.first_work(|application| {
            for key_pair in KeyPair::ALL {
                assert_eq!(application.sign(key_pair, Scheme::Pkcs1, &hash), Err(Error::Locked), "before the PIN");
                application.verify(key_pair, pin(key_pair))?;
                for scheme in [Scheme::Pkcs1, Scheme::PssSha256] {
                    let signature = application.sign(key_pair, scheme, &hash)?;
                    assert!(is_signature(key_pair, scheme, &hash, &signature), "{key_pair:?} {scheme:?}");
                }
                // The question for the tries is answered after VERIFY as well (card-facts §4.2).
                assert_eq!(application.tries_left(key_pair)?, Some(key_pair.tries()));
            }
            let certificate = application.read_certificate(CertificateFile::EndEntity(SIGN))?;
            assert_eq!(*certificate, test_identity().sign_certificate());
            Ok(())
        });
        assert_eq!(answer, Ok(()), "{options:?}");
        assert!(card.0.verified().is_empty(), "{options:?}: left unlocked");
    }
}

#[test]
fn a_card_without_short_identifiers_is_asked_for_them_once() {
    let mut card = powered(Options { short_identifiers: false, ..Options::default() });
    let mut quirks = Quirks::default();
    let mut label = || {
        card.0.clear_exchanges();
        card.work(&mut quirks, |application| application.token_label()).0.expect("a label");
        card.0.apdu_count()
    };
    assert_eq!(label(), 4, "SELECT, READ refused, SELECT of the file, READ");
    assert_eq!(label(), 3, "SELECT, SELECT of the file, READ");
    assert!(!quirks.short_identifiers);
}

#[test]
fn short_identifiers_save_a_select_each() {
    let mut card = powered(Options::default());
    let mut quirks = Quirks::default();
    card.work(&mut quirks, |application| application.tries_left(AUTH)).0.expect("a count");
    assert_eq!(card.0.apdu_count(), 2);
    assert!(quirks.short_identifiers);
}

#[test]
fn raw_input_of_every_length_the_card_takes() {
    let mut card = powered(Options::default());
    let answer = card.first_work(|application| {
        application.verify(AUTH, pin(AUTH))?;
        for length in [1, 2, 32, 100, RAW_INPUT_MAX] {
            let input = vec![0xA5; length];
            let signature = application.sign(AUTH, Scheme::Pkcs1, &input)?;
            assert!(is_signature(AUTH, Scheme::Pkcs1, &input, &signature), "{length} bytes");
        }
        for length in [0, RAW_INPUT_MAX + 1, 255, 256] {
            assert!(application.sign(AUTH, Scheme::Pkcs1, &vec![0; length]).is_err(), "{length} bytes");
        }
        for length in [0, 20, 31, 33, 48] {
            assert!(application.sign(AUTH, Scheme::PssSha256, &vec![0; length]).is_err(), "PSS over {length} bytes");
        }
        Ok(())
    });
    assert_eq!(answer, Ok(()));
}

#[test]
fn a_card_without_pss_says_so_and_signs_the_other_way() {
    for short_identifiers in [true, false] {
        let mut card = powered(Options { pss: false, short_identifiers, ..Options::default() });
        let mut quirks = Quirks::default();
        let (answer, _) = card.work(&mut quirks, |application| {
            application.verify(SIGN, pin(SIGN))?;
            assert_eq!(application.sign(SIGN, Scheme::PssSha256, &[1; 32]), Err(Error::UnknownScheme));
            application.sign(SIGN, Scheme::Pkcs1, &[1; 32])
        });
        assert!(answer.is_ok(), "{answer:?}");
        assert_eq!(quirks.short_identifiers, short_identifiers, "a refused scheme says nothing about identifiers");
    }
}

#[test]
fn random_bytes_of_every_length() {
    let mut card = powered(Options::default());
    for length in [1, 2, 255, 256] {
        let bytes = card.first_work(|application| application.challenge(length)).expect("random bytes");
        assert_eq!(bytes.len(), length);
        if length > 100 {
            assert!(bytes.iter().any(|byte| *byte != bytes[0]), "not random");
        }
    }
}

#[test]
fn the_number_of_the_card() {
    for options in cards() {
        let mut card = powered(options.clone());
        let number = card_number(&mut card).expect("no transport error").expect("a number");
        assert_eq!(number.digits(), b"990000000000017", "{options:?}");
    }
    let mut without = powered(Options { common_ap: false, ..Options::default() });
    assert!(card_number(&mut without).expect("no transport error").is_none());
}

#[test]
fn a_record_without_a_number_gives_none() {
    let right = b"\x01\x1C9900000000000171399920350401\x90\x00".to_vec();
    let mut letters = right.clone();
    letters[5] = b'x';
    for record in [letters, right[1..].to_vec(), b"\x01\x1C12345\x90\x00".to_vec(), vec![0x90, 0], vec![0x6A, 0x83]] {
        let mut card = powered(Options::default());
        card.0.answer_matching(0xB2, 1, record.clone());
        assert!(card_number(&mut card).expect("no transport error").is_none(), "{record:02X?}");
        assert!(card_number(&mut card).expect("no transport error").is_some(), "the next time");
    }
}

#[test]
fn other_cards_are_told_apart() {
    let mut foreign = powered(Options { not_my_number_card: true, ..Options::default() });
    assert_eq!(foreign.first_work(|_| Ok(())), Err(Error::NotJpki));
    for (phone, label) in [(Phone::Android, "JPKIAPGPSETOKEN"), (Phone::Iphone, "JPKIAPIOSTOKEN")] {
        let mut card = powered(Options { phone: Some(phone), ..Options::default() });
        assert_eq!(card.first_work(|application| application.token_label()).as_deref(), Ok(label));
    }
}

#[test]
fn a_first_command_that_is_lost_is_lost_once() {
    let mut card = powered(Options { first_command_6f00: true, ..Options::default() });
    assert_eq!(card.first_work(|_| Ok(())), Ok(()));
    assert_eq!(card.0.apdu_count(), 2, "the SELECT twice");
    // A second 6F00 in a row is not the quirk but an error.
    let mut card = powered(Options::default());
    card.0.answer_next(2, 0x6F00);
    assert!(card.first_work(|_| Ok(())).is_err());
    assert_eq!(card.first_work(|_| Ok(())), Ok(()), "and the next time it answers");
}
