//! Slots and tokens in the lists that a program gets.

use cryptoki_sys::*;
use jpki_pkcs11::core::{Error, Module};
use jpki_pkcs11::settings::{Labels, LastTry, Settings, ShownTokens};
use jpki_pkcs11::token::KeyPair;
use jpki_virtual_card::{LockedQuery, Options, Presence};

use super::{AUTH_SLOT, Program, READ_WRITE, SIGN_SLOT, module_on, plain, slot_of};
use crate::machine::{Machine, reader_name};
use crate::support::{AUTH, READER, SECOND_READER, SIGN, other_plastic, pin, plastic, wrong_pin};

fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).expect("UTF-8").trim_end()
}

#[test]
fn a_module_says_what_it_is() {
    let info = Module::info();
    assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (3, 2));
    assert_eq!(text(&info.manufacturerID), "jpki-pkcs11");
    assert_eq!(info.flags, 0);
}

#[test]
fn each_reader_has_two_slots() {
    let machine = Machine::new(&[READER, SECOND_READER]);
    machine.insert(SECOND_READER, &plastic(Options::default()));
    let module = module_on(&machine, Settings::default());
    assert_eq!(module.slot_ids(false, true), [0, 1, 2, 3]);
    assert_eq!(module.slot_ids(true, true), [2, 3]);
    assert_eq!(text(&module.slot_info(0).expect("a slot").slotDescription), "Virtual Reader 00 00 (auth)");
    assert_eq!(text(&module.slot_info(3).expect("a slot").slotDescription), "Virtual Reader 01 00 (sign)");
    assert_eq!(module.slot_info(0).expect("a slot").flags, CKF_REMOVABLE_DEVICE | CKF_HW_SLOT);
    assert_eq!(module.slot_info(2).expect("a slot").flags, CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | CKF_TOKEN_PRESENT);
    assert_eq!(module.slot_info(4).map(|_| ()), Err(Error::SlotIdInvalid));
    assert_eq!(module.token_info(0).map(|_| ()), Err(Error::TokenNotPresent));
    assert_eq!(module.open_session(0, READ_WRITE), Err(Error::TokenNotPresent));
    assert_eq!(module.mechanisms(0), Err(Error::TokenNotPresent));
}

#[test]
fn a_slot_is_known_without_a_list() {
    let program = Program::new();
    assert!(program.token_info(SIGN_SLOT).is_ok(), "a program may know the id from an earlier run");
}

#[test]
fn slots_keep_their_meaning_when_readers_come_and_go() {
    let machine = Machine::new(&[READER, SECOND_READER]);
    machine.insert(READER, &plastic(Options::default()));
    machine.insert(SECOND_READER, &other_plastic());
    let module = module_on(&machine, Settings::default());
    assert_eq!(module.slot_ids(true, true), [0, 1, 2, 3]);
    let serial = |slot| module.token_info(slot).map(|info| info.serialNumber);
    let (first, second) = (serial(0), serial(2));
    machine.unplug(READER);
    assert_eq!(module.slot_ids(true, true), [2, 3]);
    assert_eq!(module.slot_ids(false, true), [0, 1, 2, 3], "the slot stays without its reader");
    assert_eq!(serial(0), Err(Error::TokenNotPresent));
    assert_eq!(serial(2), second);
    machine.plug("Virtual Reader 02 00");
    assert_eq!(module.slot_ids(false, true), [0, 1, 2, 3, 4, 5]);
    machine.plug(READER);
    assert_eq!(serial(0), first);
    assert_eq!(module.slot_ids(true, true), [0, 1, 2, 3]);
    // A card can move to another slot.
    let (one, other) = (machine.remove(READER), machine.remove(SECOND_READER));
    machine.insert(READER, &other);
    machine.insert(SECOND_READER, &one);
    assert_eq!((serial(0), serial(2)), (second, first));
}

#[test]
fn new_readers_show_with_a_list_only() {
    let machine = Machine::new(&[READER]);
    let module = module_on(&machine, Settings::default());
    assert_eq!(module.slot_ids(false, true), [0, 1]);
    machine.plug(SECOND_READER);
    assert_eq!(module.slot_ids(false, false), [0, 1], "nothing changes between the two calls for one list");
    // An event can name a slot that is not in the list yet.
    let events = [module.wait_for_slot_event(false), module.wait_for_slot_event(false)];
    assert_eq!(events, [Ok(2), Ok(3)]);
    assert!(module.slot_info(2).is_ok());
    assert_eq!(module.slot_ids(false, false), [0, 1], "other functions do not change the list either");
    assert_eq!(module.slot_ids(false, true), [0, 1, 2, 3]);
    assert_eq!(module.slot_ids(false, false), [0, 1, 2, 3]);
}

#[test]
fn tokens_say_which_pin_they_want() {
    let program = Program::new();
    let auth = program.token_info(AUTH_SLOT).expect("a token");
    let sign = program.token_info(SIGN_SLOT).expect("a token");
    assert_eq!(text(&auth.label), "JPKI User Authentication");
    assert_eq!(text(&sign.label), "JPKI Digital Signature");
    assert_eq!(text(&auth.model), "JPKIAPICCTOKEN2");
    assert_eq!(auth.serialNumber, sign.serialNumber);
    assert_eq!((auth.ulMinPinLen, auth.ulMaxPinLen), (4, 4));
    assert_eq!((sign.ulMinPinLen, sign.ulMaxPinLen), (6, 16));
    let flags = CKF_RNG | CKF_WRITE_PROTECTED | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_LOGIN_REQUIRED;
    assert_eq!((auth.flags, sign.flags), (flags, flags));

    let program = Program::with(Options::default(), Settings { labels: Labels::Japanese, ..Settings::default() });
    assert_eq!(text(&program.token_info(AUTH_SLOT).expect("a token").label), "JPKI 利用者証明用 (4桁)");
    assert_eq!(text(&program.token_info(SIGN_SLOT).expect("a token").label), "JPKI 署名用 (英数6-16桁)");
}

#[test]
fn settings_choose_slots_and_readers() {
    for (slots, shown, hidden) in [(ShownTokens::Authentication, 0, 1), (ShownTokens::Signature, 1, 0)] {
        let program = Program::with(Options::default(), Settings { slots, ..Settings::default() });
        assert_eq!(program.slot_ids(false, true), [shown], "{slots:?}");
        assert!(program.token_info(shown).is_ok());
        assert_eq!(program.token_info(hidden).map(|_| ()), Err(Error::SlotIdInvalid));
        assert_eq!(program.open_session(hidden, READ_WRITE), Err(Error::SlotIdInvalid));
    }
    let machine = Machine::new(&[READER, SECOND_READER]);
    machine.insert(SECOND_READER, &plastic(Options::default()));
    let module = module_on(&machine, Settings { readers: vec!["*01 00".into()], ..Settings::default() });
    assert_eq!(module.slot_ids(true, true), [0, 1]);
    assert_eq!(text(&module.slot_info(0).expect("a slot").slotDescription), "Virtual Reader 01 00 (auth)");
}

#[test]
fn a_long_reader_name_is_shortened_before_what_tells_the_slots_apart() {
    let name = "署".repeat(40);
    let machine = Machine::new(&[&name]);
    let module = module_on(&machine, Settings::default());
    let description = |slot| text(&module.slot_info(slot).expect("a slot").slotDescription).to_owned();
    assert_eq!(module.slot_ids(false, true), [0, 1]);
    assert!(description(0).ends_with("署 (auth)"), "{}", description(0));
    assert!(description(1).ends_with("署 (sign)"), "{}", description(1));
}

#[test]
fn foreign_and_missing_cards_are_no_tokens() {
    let program = Program::with_card(Options { not_my_number_card: true, ..Options::default() });
    assert_eq!(program.slot_ids(true, true), [0; 0]);
    assert_eq!(program.slot_ids(false, true), [0, 1]);
    assert_eq!(program.token_info(AUTH_SLOT).map(|_| ()), Err(Error::TokenNotPresent));
}

/// The flags of CK_TOKEN_INFO about the PIN.
fn pin_flags(program: &Program, key_pair: KeyPair) -> CK_FLAGS {
    let flags = program.token_info(slot_of(key_pair)).expect("a token").flags;
    flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)
}

#[test]
fn tokens_warn_before_the_pin_is_locked() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open(key_pair);
        let limit = key_pair.tries();
        assert_eq!(pin_flags(&program, key_pair), 0);
        for attempt in 1..=limit {
            let mut wrong = wrong_pin(key_pair).to_vec();
            *wrong.last_mut().expect("a character") = b'0' + attempt;
            let refused = program.login(session, CKU_USER, &wrong);
            let (error, flags) = match limit - attempt {
                0 => (Error::PinLocked, CKF_USER_PIN_LOCKED | CKF_USER_PIN_COUNT_LOW),
                1 => (Error::PinIncorrect, CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW),
                _ => (Error::PinIncorrect, CKF_USER_PIN_COUNT_LOW),
            };
            assert_eq!(refused, Err(error), "{key_pair:?}, attempt {attempt}");
            assert_eq!(pin_flags(&program, key_pair), flags, "{key_pair:?}, attempt {attempt}");
        }
        assert_eq!(program.login(session, CKU_USER, pin(key_pair)), Err(Error::PinLocked));
        let other = if key_pair == AUTH { SIGN } else { AUTH };
        assert_eq!(pin_flags(&program, other), 0, "the other PIN is not affected");
    }
}

#[test]
fn a_pin_that_was_never_set_is_locked_or_says_nothing() {
    let locked = CKF_USER_PIN_LOCKED | CKF_USER_PIN_COUNT_LOW;
    for (query, sign_certificate, flags, refusal) in [
        (LockedQuery::NoTries, Presence::Present, locked, Error::PinLocked),
        (LockedQuery::Blocked, Presence::Present, locked, Error::PinLocked),
        (LockedQuery::NotSet, Presence::Present, 0, Error::UserPinNotInitialized),
        // If there is no certificate, there never was a PIN, and the owner needs another message than "locked".
        (LockedQuery::NoTries, Presence::Blank, locked, Error::UserPinNotInitialized),
        (LockedQuery::Blocked, Presence::Blank, locked, Error::UserPinNotInitialized),
        (LockedQuery::NotSet, Presence::Blank, 0, Error::UserPinNotInitialized),
    ] {
        let options = Options { sign_tries_left: 0, sign_pin_query: query, sign_certificate, ..Options::default() };
        let program = Program::with_card(options);
        let says_set = program.token_info(slot_of(SIGN)).expect("a token").flags & CKF_USER_PIN_INITIALIZED != 0;
        assert_eq!(says_set, sign_certificate == Presence::Present, "{query:?}");
        assert_eq!(pin_flags(&program, SIGN), flags, "{query:?}");
        assert_eq!(pin_flags(&program, AUTH), 0, "{query:?}: the other PIN is not affected");
        let session = program.open(SIGN);
        assert_eq!(program.login(session, CKU_USER, pin(SIGN)), Err(refusal), "{query:?}");
        assert_eq!(pin_flags(&program, SIGN), flags, "{query:?}, after a login");
        program.open_logged_in(AUTH);
    }
}

#[test]
fn a_right_pin_takes_the_warning_away() {
    let program = Program::with_card(Options { auth_tries_left: 1, ..Options::default() });
    assert_eq!(pin_flags(&program, AUTH), CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW);
    program.open_logged_in(AUTH);
    assert_eq!(pin_flags(&program, AUTH), 0);
}

#[test]
fn the_last_try_is_spared_where_the_settings_say_so() {
    let program = Program::with(
        Options { auth_tries_left: 1, ..Options::default() },
        Settings { last_try: LastTry::Spare, ..Settings::default() },
    );
    let session = program.open(AUTH);
    assert_eq!(program.login(session, CKU_USER, pin(AUTH)), Err(Error::PinLocked));
    assert_eq!(program.set_pin(session, pin(AUTH), b"4321"), Err(Error::PinLocked));
    assert_eq!(program.card.card().tries_left(jpki_virtual_card::PinKind::Authentication), 1);
}

#[test]
fn sessions_are_counted() {
    let program = Program::new();
    program.open(AUTH);
    program.open_session(AUTH_SLOT, CKF_SERIAL_SESSION).expect("a session");
    let info = program.token_info(AUTH_SLOT).expect("a token");
    assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (2, 1));
    let info = program.token_info(SIGN_SLOT).expect("a token");
    assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (0, 0));
}

#[test]
fn a_reader_whose_name_is_no_utf_8_has_a_token_that_signs() {
    // カードリーダー in Shift_JIS, and a long name that pcscd has cut inside a character.
    let mut cut = "署名用カードリーダー".repeat(5).into_bytes();
    cut.truncate(118);
    cut.extend(b" 00 00");
    for bytes in [&b"\x83J\x81[\x83h\x83\x8A\x81[\x83_\x81[ 00 00"[..], &cut] {
        let name = reader_name(bytes);
        assert!(std::str::from_utf8(bytes).is_err() && name.text().ends_with(" 00 00"));
        let machine = Machine::new(&[]);
        machine.plug_named(&name);
        let card = plastic(Options::default());
        machine.insert(name.text(), &card);
        let settings = Settings { readers: vec!["*00 00".into()], ..Settings::default() };
        let program = Program { module: module_on(&machine, settings), machine, card };
        assert_eq!(program.slot_ids(true, true), [0, 1]);
        for key_pair in KeyPair::ALL {
            let session = program.open_logged_in(key_pair);
            program.sign(session, plain(CKM_SHA256_RSA_PKCS), b"document").expect("a signature");
        }
        assert_eq!(program.wait_for_slot_event(false), Err(Error::NoEvent));
        program.machine.remove(name.text());
        assert_eq!(program.wait_for_slot_event(false), Ok(0));
    }
}

#[test]
fn two_readers_that_look_the_same_are_two() {
    let names = [&b"\x83J 00 00"[..], b"\x84J 00 00"].map(reader_name);
    assert_eq!(names[0].text(), names[1].text());
    let machine = Machine::new(&[]);
    names.iter().for_each(|name| machine.plug_named(name));
    assert_eq!(module_on(&machine, Settings::default()).slot_ids(false, true), [0, 1, 2, 3]);
}

#[test]
fn two_long_names_that_differ_at_their_end_only_stay_apart() {
    let model = "Identiv uTrust 3700 F Contactless Smart Card Reader [uTrust 3700 F CL Reader]";
    let japanese = "接触型非接触型共用カードリーダーライター";
    for [one, other] in [
        [format!("{model} (21120703310203) 00 00"), format!("{model} (21120703310204) 00 00")],
        [format!("{model} (21120703310203) 00 00"), format!("{model} (21120703310203) 01 00")],
        [format!("{japanese} (21120703310203) 00 00"), format!("{japanese} (21120703310203) 01 00")],
    ] {
        let module = module_on(&Machine::new(&[&one, &other]), Settings::default());
        let ids = module.slot_ids(false, true);
        let descriptions = ids.iter().map(|slot| module.slot_info(*slot).expect("a slot").slotDescription);
        let descriptions: Vec<_> = descriptions.map(|field| text(&field).to_owned()).collect();
        assert_eq!(descriptions.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{descriptions:#?}");
        let (start, _) = one.split_at("接触型".len());
        for (description, name) in descriptions.iter().zip([&one, &one, &other, &other]) {
            let end = &name[name.len() - "(21120703310203) 00 00".len()..];
            assert!(description.starts_with(start), "{description}");
            assert!(description.contains(&format!("{end} (")), "{description}");
        }
    }
}
