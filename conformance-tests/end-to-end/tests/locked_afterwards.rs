//! The card is left locked: a signature command that another process sends without a PIN is refused.
//!
//! Another program is connected to the card all the time: without one pcscd cuts the power when the last program goes,
//! and what the module has failed to lock would be locked by that.

use std::thread::{self, sleep};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::object::ObjectClass;
use jpki_end_to_end::{
    Helper, Key, LOCKED, Objects, Reader, Stand, VirtualCard, bystander, module_path, raw_apdu, raw_signature,
    wait_for_no_transaction,
};
use pkcs11_contract::{Context, Target, TokenChoice, find};

/// SELECT of the issuer security domain, by which the module leaves the card: the last command of a transaction in
/// which a PIN was verified.
const LEAVE: &str = "00A4040C07A0000001510000";

/// The cards that have other ways of being locked again than those that the facts expect.
const ODD_CARDS: [&[&str]; 4] =
    [&["--leave", "refused"], &["--leave", "refused-all"], &["--reselect-clears"], &["--warm-reset-clears"]];

/// The ordinary card, and one that says it was left and was not: what ends a login has to lock both.
const ORDINARY_AND_LIAR: [&[&str]; 2] = [&[], &["--leave", "lies"]];

/// Asserts that both keys want their PIN.
#[track_caller]
fn is_locked(card: &VirtualCard, after: &str) {
    // As the card knows it, and before anything could lock it by the way.
    assert_eq!(card.state().verified, "", "after {after}: what the card has verified");
    for key in Key::ALL {
        assert_eq!(raw_signature(card.reader(), key), LOCKED, "after {after}: the {} key", key.name());
    }
}

#[test]
fn the_check_itself_sees_an_unlocked_card() {
    let stand = Stand::new();
    let _bystander = bystander(Reader::First);
    for (key, verify) in [(Key::Auth, "002000980431323334"), (Key::Sign, "0020009B06414243313233")] {
        // Another program that leaves the card unlocked, as this card allows it.
        let answers = raw_apdu(Reader::First, &["00A4040C0AD392F000260100000001", verify]);
        assert_eq!(answers, ["9000", "9000"]);
        assert_eq!(raw_signature(Reader::First, key), "9000");
    }
    assert_eq!(stand.card.state().verified, "auth,sign");
}

#[test]
fn after_login() {
    for key in Key::ALL {
        for options in [&[][..]].into_iter().chain(ODD_CARDS) {
            let stand = Stand::with(options);
            let _bystander = bystander(Reader::First);
            let _session = stand.module.logged_in(key);
            is_locked(&stand.card, &format!("C_Login, card {options:?}"));
        }
    }
}

#[test]
fn after_a_signature_and_after_logout() {
    for key in Key::ALL {
        for options in [&[][..]].into_iter().chain(ODD_CARDS) {
            let stand = Stand::with(options);
            let _bystander = bystander(Reader::First);
            let session = stand.module.logged_in(key);
            session.sign_well().unwrap();
            is_locked(&stand.card, &format!("C_Sign, card {options:?}"));
            // The other program's look has left the module's login alone.
            session.sign_well().unwrap();
            session.logout().unwrap();
            is_locked(&stand.card, &format!("C_Logout, card {options:?}"));
        }
    }
}

#[test]
fn a_card_that_only_says_it_was_left_is_locked_after_logout() {
    for key in Key::ALL {
        let stand = Stand::with(&["--leave", "lies"]);
        let _bystander = bystander(Reader::First);
        let session = stand.module.logged_in(key);
        session.sign_well().unwrap();
        session.logout().unwrap();
        is_locked(&stand.card, "C_Logout of a card that lies");
    }
}

#[test]
fn after_the_last_session_was_closed() {
    for key in Key::ALL {
        let stand = Stand::new();
        let _bystander = bystander(Reader::First);
        let first = stand.module.logged_in(key);
        let second = stand.module.session(key);
        first.sign_well().unwrap();
        let known = first.one(ObjectClass::PRIVATE_KEY);
        first.close().unwrap();
        is_locked(&stand.card, "C_CloseSession of one of two");
        second.sign_well().expect("the login lasts as long as a session does");
        second.close().unwrap();
        is_locked(&stand.card, "C_CloseSession of the last");
        let again = stand.module.session(key);
        again.refuses_to_sign(known);
    }
}

#[test]
fn after_all_sessions_were_closed() {
    for key in Key::ALL {
        for options in ORDINARY_AND_LIAR {
            let stand = Stand::with(options);
            let _bystander = bystander(Reader::First);
            let session = stand.module.logged_in(key);
            session.sign_well().unwrap();
            stand.module.close_all_sessions(key);
            is_locked(&stand.card, &format!("C_CloseAllSessions, card {options:?}"));
        }
    }
}

#[test]
fn after_finalize() {
    for key in Key::ALL {
        for options in ORDINARY_AND_LIAR {
            let stand = Stand::with(options);
            let _bystander = bystander(Reader::First);
            let session = stand.module.logged_in(key);
            session.sign_well().unwrap();
            stand.module.client.clone().finalize().unwrap();
            is_locked(&stand.card, &format!("C_Finalize, card {options:?}"));
            drop(session);
            stand.module.client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        }
    }
}

#[test]
fn both_keys_in_use_at_once() {
    let stand = Stand::new();
    let _bystander = bystander(Reader::First);
    let sessions = Key::ALL.map(|key| stand.module.logged_in(key));
    sessions.iter().for_each(|session| session.sign_well().unwrap());
    is_locked(&stand.card, "signatures with both keys");
    sessions[1].logout().unwrap();
    is_locked(&stand.card, "one of two logouts");
    sessions[0].sign_well().expect("the other key's login is not touched");
}

/// Runs one case of the contract suite in this process.
fn contract(case: &str, key: Key) {
    let module = pkcs11_contract::Module::load(&module_path()).expect("the module loads");
    let target = Target {
        module: module_path(),
        token: TokenChoice::Label(key.token_label().into()),
        pin: Some(key.pin().into()),
        key_label: None,
        risk_tries: false,
        seed: 7,
        rounds: 1000,
    };
    // The module stays loaded until the process ends, as in the contract suite itself.
    let mut context = Context::new(Box::leak(Box::new(module)), target);
    find(case).expect("a case of the contract suite").run(&mut context).unwrap_or_else(|why| panic!("{case}: {why:?}"));
}

#[test]
fn during_and_after_random_calls() {
    // Whatever programs do in any order, with any number of threads: whenever the module has let go of the card, a
    // signature without a PIN is refused.
    let stand = Stand::new();
    let _bystander = bystander(Reader::First);
    stand.module.client.clone().finalize().unwrap();
    let mut looks = 0;
    for key in Key::ALL {
        for case in ["random-calls/one-thread", "random-calls/several-threads"] {
            stand.card.clear();
            thread::scope(|scope| {
                let calls = scope.spawn(|| contract(case, key));
                while !calls.is_finished() {
                    for other in Key::ALL {
                        let answer = raw_signature(Reader::First, other);
                        assert_eq!(answer, LOCKED, "during {case} with {}: the {} key", key.name(), other.name());
                    }
                    looks += 1;
                }
            });
            assert!(stand.card.verifications() > 2, "{case} has not used the card");
            is_locked(&stand.card, case);
        }
    }
    // Several threads leave others little time at the card; one thread leaves enough.
    assert!(looks > 8, "the calls were over before anybody could look at the card more than {looks} times");
    stand.module.client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
}

#[test]
fn after_the_program_was_killed_at_rest() {
    let stand = Stand::new();
    let _bystander = bystander(Reader::First);
    for key in Key::ALL {
        for task in ["login", "signed"] {
            let mut user = Helper::start("module-user", &[task, key.name()]);
            user.expect("ready");
            user.kill();
            is_locked(&stand.card, &format!("SIGKILL of a program that has done: {task} {}", key.name()));
        }
    }
}

#[test]
fn after_the_program_was_killed_at_any_moment_but_a_transaction() {
    let stand = Stand::new();
    let _bystander = bystander(Reader::First);
    let (mut outside, mut inside) = (0, 0);
    for round in 0_u64.. {
        let key = Key::ALL[usize::from(round % 2 == 0)];
        let mut user = Helper::start("module-user", &["loop", key.name()]);
        user.expect("ready");
        let signature: u64 = user.line().parse().expect("the microseconds of a signature");
        // Spread over some periods of the loop, without a pattern. It rests as long as it signs, however slow this is.
        sleep(Duration::from_micros((round * 7_919) % (4 * signature)));
        user.kill();
        // What it had sent last may be on its way to the card still. It has a transaction then, until pcscd ends that.
        wait_for_no_transaction(Reader::First);
        let log = stand.card.log();
        let last: String = log.last().map(|line| line.chars().filter(|c| !c.is_whitespace()).collect()).unwrap();
        if last.to_uppercase().contains(LEAVE) {
            outside += 1;
            is_locked(&stand.card, &format!("SIGKILL at rest, round {round}"));
        } else {
            // The module cannot do anything about it any more.
            inside += 1;
            raw_apdu(Reader::First, &[LEAVE]);
        }
        if outside == 20 {
            break;
        }
        assert!(inside < 60, "{inside} kills within a transaction, only {outside} outside");
    }
    println!("{outside} kills outside of a transaction, {inside} within one");
}
