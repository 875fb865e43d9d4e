//! The number of commands for each task, counted by the card.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use jpki_end_to_end::{Key, Module, Objects, Reader, Stand, Stats, Turn, VirtualCard, pin, verifies};

/// Asserts the largest number of commands. The message lists them.
#[track_caller]
fn at_most(card: &VirtualCard, most: u32, what: &str) -> Stats {
    let stats = card.stats();
    assert!(stats.apdus <= most, "{what}: {} APDUs instead of {most}\n{}", stats.apdus, card.log().join("\n"));
    stats
}

#[test]
fn initializing_asks_the_card_nothing() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    card.clear();
    let module = Module::start();
    at_most(&card, 0, "C_Initialize");
    drop(module);
    at_most(&card, 0, "C_Finalize of a module that was not used");
}

#[test]
fn the_first_list_of_tokens_takes_six_commands() {
    let stand = Stand::new();
    stand.card.clear();
    let slots = stand.module.client.get_slots_with_token().unwrap();
    assert_eq!(slots.len(), 2);
    for slot in &slots {
        stand.module.client.get_slot_info(*slot).unwrap();
        stand.module.client.get_token_info(*slot).unwrap();
    }
    at_most(&stand.card, 6, "slot list and token info of both tokens");
}

#[test]
fn the_whole_way_to_a_signature_takes_twenty_one_commands() {
    for key in Key::ALL {
        let stand = Stand::new();
        stand.card.clear();
        let client = &stand.module.client;
        for slot in client.get_slots_with_token().unwrap() {
            client.get_token_info(slot).unwrap();
        }
        let session = stand.module.session(key);
        session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        let certificate = session.certificate();
        let private_key = session.one(ObjectClass::PRIVATE_KEY);
        let wanted = [AttributeType::Id, AttributeType::Modulus, AttributeType::KeyType];
        assert_eq!(session.get_attributes(private_key, &wanted).unwrap().len(), 3);
        let signature = session.sign(&Mechanism::Sha256RsaPkcs, private_key, b"data").unwrap();

        let stats = at_most(&stand.card, 21, "list, find, log in, sign");
        assert!(stats.bytes <= 2400, "{key:?}: {} bytes instead of 2400", stats.bytes);
        assert!(verifies(&certificate, &["-sha256"], b"data", &signature));

        for _ in 0..3 {
            stand.card.clear();
            session.sign(&Mechanism::Sha256RsaPkcs, private_key, b"data").unwrap();
            at_most(&stand.card, 4, "another signature");
        }
    }
}

#[test]
fn a_client_that_looks_before_it_logs_in_stays_within_the_budget() {
    // Like OpenSSH: the public key first, then the login.
    let stand = Stand::new();
    stand.card.clear();
    let session = stand.module.session(Key::Auth);
    let certificate = session.certificate();
    session.login(UserType::User, Some(&pin(Key::Auth.pin()))).unwrap();
    let signature = session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").unwrap();
    let stats = at_most(&stand.card, 21, "find, log in, sign");
    assert!(stats.bytes <= 2400, "{} bytes instead of 2400", stats.bytes);
    assert!(verifies(&certificate, &["-sha256"], b"data", &signature));
}

#[test]
fn a_client_that_takes_its_time_before_it_opens_a_session_pays_two_commands_more() {
    // Like a client whose user chooses a token: the module identifies the card again (docs/architecture.md).
    for key in Key::ALL {
        let stand = Stand::new();
        stand.card.clear();
        for slot in stand.module.client.get_slots_with_token().unwrap() {
            stand.module.client.get_token_info(slot).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(1300));
        let session = stand.module.logged_in(key);
        session.sign_well().unwrap();
        let stats = at_most(&stand.card, 23, "list, a pause, find, log in, sign");
        assert!(stats.bytes <= 2400, "{key:?}: {} bytes instead of 2400", stats.bytes);
    }
}

#[test]
fn what_is_known_is_not_asked_again() {
    for key in Key::ALL {
        let stand = Stand::new();
        let client = &stand.module.client;
        let slot = stand.module.slot(Reader::First, key);
        client.get_token_info(slot).unwrap();
        let session = stand.module.logged_in(key);
        let classes = [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY, ObjectClass::CERTIFICATE];
        let objects: Vec<_> = classes.into_iter().flat_map(|class| session.all(class)).collect();
        assert_eq!(objects.len(), 4, "private key, public key, certificate, CA certificate");
        let wanted = [AttributeType::Id, AttributeType::Label, AttributeType::Value, AttributeType::Modulus];
        let read = || objects.iter().for_each(|object| drop(session.get_attributes(*object, &wanted).unwrap()));
        read();

        stand.card.clear();
        for _ in 0..50 {
            client.get_slot_info(slot).unwrap();
            client.get_token_info(slot).unwrap();
            session.get_session_info().unwrap();
            client.get_mechanism_list(slot).unwrap();
        }
        at_most(&stand.card, 0, "slot info, token info and session info");
        read();
        let id = session.get_attributes(objects[0], &[AttributeType::Id]).unwrap();
        assert!(!session.find_objects(&id).unwrap().is_empty());
        assert!(session.find_objects(&[Attribute::Label(b"nobody".to_vec())]).unwrap().is_empty());
        at_most(&stand.card, 0, "attributes and searches");
    }
}

#[test]
fn asking_for_the_length_of_a_signature_costs_nothing() {
    for key in Key::ALL {
        let stand = Stand::new();
        let session = stand.module.logged_in(key);
        let private_key = session.one(ObjectClass::PRIVATE_KEY);
        session.get_attributes(private_key, &[AttributeType::Modulus]).unwrap();
        stand.card.clear();
        session.sign_init(&Mechanism::Sha256RsaPkcs, private_key).unwrap();
        session.sign_update(b"data").unwrap();
        at_most(&stand.card, 0, "C_SignInit and C_SignUpdate");
        // The client library asks for the length first.
        session.sign_final().unwrap();
        at_most(&stand.card, 4, "C_SignFinal");
    }
}

#[test]
fn a_foreign_card_is_looked_at_once() {
    let stand = Stand::with(&["--foreign"]);
    assert_eq!(stand.module.client.get_slots_with_token().unwrap().len(), 0);
    stand.card.clear();
    for _ in 0..20 {
        assert_eq!(stand.module.client.get_slots_with_token().unwrap().len(), 0);
        let slot = stand.module.slot(Reader::First, Key::Auth);
        assert!(!stand.module.client.get_slot_info(slot).unwrap().token_present());
    }
    at_most(&stand.card, 0, "a foreign card again");
}
