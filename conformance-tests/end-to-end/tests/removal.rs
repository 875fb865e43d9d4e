//! Cards that are pulled out, put back and swapped.

use std::ptr::null_mut;

use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectClass;
use cryptoki::session::UserType;
use cryptoki_sys::*;
use jpki_end_to_end::{Key, Module, Objects, Reader, Stand, Turn, VirtualCard, call, is, outcome, pin, verifies};

#[test]
fn a_card_taken_out_ends_its_sessions() {
    let stand = Stand::new();
    let slots = Key::ALL.map(|key| stand.module.slot(Reader::First, key));
    let sessions = Key::ALL.map(|key| stand.module.logged_in(key));
    let keys = sessions.each_ref().map(|session| session.one(ObjectClass::PRIVATE_KEY));
    stand.card.remove();
    for (session, slot) in sessions.iter().zip(slots) {
        is(session.get_session_info(), RvError::SessionHandleInvalid);
        is(session.sign_well_or_error(), RvError::SessionHandleInvalid);
        is(stand.module.client.get_token_info(slot), RvError::TokenNotPresent);
        is(stand.module.client.open_ro_session(slot), RvError::TokenNotPresent);
        assert!(!stand.module.client.get_slot_info(slot).unwrap().token_present());
    }
    assert!(stand.module.client.get_slots_with_token().unwrap().is_empty());

    stand.card.insert();
    assert_eq!(stand.module.client.get_slots_with_token().unwrap(), slots, "the slots keep their ids");
    for ((key, session), known) in Key::ALL.into_iter().zip(sessions).zip(keys) {
        is(session.get_session_info(), RvError::SessionHandleInvalid);
        let again = stand.module.session(key);
        again.refuses_to_sign(known);
        again.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        again.sign_well().unwrap();
    }
}

/// Finds the key and signs. Either may fail.
trait SignOrError {
    fn sign_well_or_error(&self) -> cryptoki::error::Result<()>;
}

impl SignOrError for cryptoki::session::Session {
    fn sign_well_or_error(&self) -> cryptoki::error::Result<()> {
        self.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").map(|_| ())
    }
}

#[test]
fn a_card_out_and_in_again_while_nobody_looked_is_another_insertion() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    stand.card.remove();
    stand.card.insert();
    stand.card.clear();
    is(session.sign_well_or_error(), RvError::SessionHandleInvalid);
    assert_eq!(stand.card.verifications(), 0, "the PIN was sent though nobody has typed it again");
    stand.module.logged_in(Key::Auth).sign_well().unwrap();
}

#[test]
fn a_card_taken_out_in_the_middle_of_a_signature() {
    for key in Key::ALL {
        // At SELECT, at VERIFY, and at the signature command.
        for place in 1..=3 {
            let stand = Stand::new();
            let session = stand.module.logged_in(key);
            session.sign_well().unwrap();
            let before = Reader::First.events();
            stand.card.control(&format!("remove-after {place}"));
            let answer = outcome(session.sign_well_or_error());
            assert!(
                matches!(answer, Err(RvError::DeviceRemoved | RvError::DeviceError)),
                "{key:?}, APDU {place}: {answer:?}"
            );
            Reader::First.wait_for_removal(before);
            is(session.get_session_info(), RvError::SessionHandleInvalid);
            stand.card.insert();
            stand.module.logged_in(key).sign_well().expect("a new login works");
        }
    }
}

#[test]
fn a_card_taken_out_in_the_middle_of_operations_in_parts() {
    // PKCS#11 3.2 §5.6: a removed token closes its sessions, which ends their operations.
    let stand = Stand::new();
    for key in Key::ALL {
        let session = stand.module.logged_in(key);
        let (s, private_key) = (session.handle(), session.one(ObjectClass::PRIVATE_KEY).handle());
        let public_key = session.one(ObjectClass::PUBLIC_KEY).handle();
        let plain = |mechanism| CK_MECHANISM { mechanism, pParameter: null_mut(), ulParameterLen: 0 };
        let (mut signing, mut digest) = (plain(CKM_SHA256_RSA_PKCS), plain(CKM_SHA256));
        let (mut data, mut room, mut length, mut count) = (*b"data", [0xAA_u8; 256], 256, 77);
        let mut objects = [99];
        assert_eq!(call!(C_SignInit(s, &raw mut signing, private_key)), CKR_OK);
        assert_eq!(call!(C_SignUpdate(s, data.as_mut_ptr(), 4)), CKR_OK);
        assert_eq!(call!(C_VerifyInit(s, &raw mut signing, public_key)), CKR_OK);
        assert_eq!(call!(C_DigestInit(s, &raw mut digest)), CKR_OK);
        assert_eq!(call!(C_DigestUpdate(s, data.as_mut_ptr(), 4)), CKR_OK);
        assert_eq!(call!(C_FindObjectsInit(s, null_mut(), 0)), CKR_OK);
        assert_eq!(call!(C_FindObjects(s, objects.as_mut_ptr(), 1, &raw mut count)), CKR_OK);
        objects = [99];
        stand.card.remove();
        // Once before and once after the card is back, with the same results.
        for when in ["without the card", "with the card put back"] {
            let after = [
                call!(C_SignUpdate(s, data.as_mut_ptr(), 4)),
                call!(C_SignFinal(s, room.as_mut_ptr(), &raw mut length)),
                call!(C_VerifyUpdate(s, data.as_mut_ptr(), 4)),
                call!(C_DigestUpdate(s, data.as_mut_ptr(), 4)),
                call!(C_DigestFinal(s, room.as_mut_ptr(), &raw mut length)),
                call!(C_FindObjects(s, objects.as_mut_ptr(), 1, &raw mut count)),
                call!(C_FindObjectsFinal(s)),
                call!(C_CloseSession(s)),
            ];
            assert_eq!(after, [CKR_SESSION_HANDLE_INVALID; 8], "{key:?}, {when}");
            assert_eq!((room, objects), ([0xAA; 256], [99]), "{key:?}, {when}: something was written");
            if when == "without the card" {
                stand.card.insert();
            }
        }
        stand.module.logged_in(key).sign_well().expect("a new login works");
    }
}

#[test]
fn a_card_taken_out_while_it_is_recognised() {
    for place in 1..=6 {
        let stand = Stand::new();
        let before = Reader::First.events();
        stand.card.control(&format!("remove-after {place}"));
        assert!(stand.module.client.get_slots_with_token().unwrap().is_empty(), "APDU {place}");
        Reader::First.wait_for_removal(before);
        stand.card.insert();
        stand.module.logged_in(Key::Auth).sign_well().unwrap_or_else(|error| panic!("APDU {place}: {error}"));
    }
}

#[test]
fn a_held_pin_is_not_sent_to_another_card() {
    let _turn = Turn::take();
    for key in Key::ALL {
        let first = VirtualCard::start(Reader::First, &[]);
        let module = Module::start();
        let serial = module.token_info(key).serial_number().to_owned();
        let session = module.logged_in(key);
        session.sign_well().unwrap();
        let known = session.one(ObjectClass::PRIVATE_KEY);
        drop(first);
        // The card has the same PIN, so only its log can show a wrong VERIFY.
        let second = VirtualCard::start_as(Reader::First, "identity-2", &["--serial", "990000000000025"]);
        is(session.sign_well_or_error(), RvError::SessionHandleInvalid);
        assert_eq!(second.verifications(), 0, "the PIN went to another card:\n{}", second.log().join("\n"));
        assert_ne!(module.token_info(key).serial_number(), serial);
        let again = module.session(key);
        again.refuses_to_sign(known);
        assert_eq!(second.verifications(), 0);
        again.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        again.sign_well().unwrap();
    }
}

#[test]
fn two_cards_in_two_readers() {
    let _turn = Turn::take();
    let cards = [
        VirtualCard::start(Reader::First, &[]),
        VirtualCard::start(Reader::Second, &["--serial", "990000000000025", "--auth-pin", "9876"]),
    ];
    let module = Module::start();
    let slots = [Reader::First, Reader::Second].map(|reader| module.slot(reader, Key::Auth));
    assert_eq!(module.client.get_slots_with_token().unwrap().len(), 4);
    let serials = slots.map(|slot| module.client.get_token_info(slot).unwrap().serial_number().to_owned());
    assert_ne!(serials[0], serials[1]);
    let sessions = slots.map(|slot| module.client.open_ro_session(slot).unwrap());
    sessions[0].login(UserType::User, Some(&pin("1234"))).unwrap();
    // A login is for one card only, and so is a key handle.
    sessions[1].refuses_to_sign(sessions[0].one(ObjectClass::PRIVATE_KEY));
    sessions[1].login(UserType::User, Some(&pin("9876"))).unwrap();
    sessions.iter().for_each(|session| session.sign_well().unwrap());
    let signature = sessions[0].sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").unwrap();
    assert!(verifies(&sessions[0].certificate(), &["-sha256"], b"data", &signature));
    assert!(!verifies(&sessions[1].certificate(), &["-sha256"], b"data", &signature), "two cards, two keys");

    cards[0].remove();
    is(sessions[0].get_session_info(), RvError::SessionHandleInvalid);
    sessions[1].sign_well().expect("the other card is not touched");
    assert_eq!(cards[1].state().verified, "");
}
