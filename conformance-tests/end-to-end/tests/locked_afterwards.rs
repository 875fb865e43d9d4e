//! The module leaves the card locked: the card refuses a signature command that another process sends without a PIN.
//!
//! Another program stays connected to the card: otherwise pcscd cuts the power when the last program goes, and that
//! would lock what the module has failed to lock.

use std::path::Path;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::object::ObjectClass;
use jpki_end_to_end::{
    Helper, Key, LOCKED, Objects, Reader, Stand, VirtualCard, bystander, module_path, raw_apdu, raw_signature, run,
    scratch, wait_for_no_transaction,
};
use pkcs11_contract::{Context, Target, TokenChoice, find};

/// SELECT of the issuer security domain, with which the module leaves the card: the last command of a transaction that
/// has verified a PIN.
const LEAVE: &str = "00A4040C07A0000001510000";

/// Cards that lock in other ways than the known facts say.
const ODD_CARDS: [&[&str]; 4] =
    [&["--leave", "refused"], &["--leave", "refused-all"], &["--reselect-clears"], &["--warm-reset-clears"]];

/// The ordinary card, and one that only pretends to be left: the end of a login has to lock both.
const ORDINARY_AND_LIAR: [&[&str]; 2] = [&[], &["--leave", "lies"]];

/// Asserts that both keys want their PIN.
#[track_caller]
fn is_locked(card: &VirtualCard, after: &str) {
    // The card's own state first, because the next commands could lock the card.
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
        // Another program leaves the card unlocked, which this card allows.
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
            // The other program's check has not ended the module's login.
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
    // Any calls in any order, with any number of threads: whenever the module has no transaction, the card refuses a
    // signature without a PIN.
    let stand = Stand::new();
    let _bystander = bystander(Reader::First);
    stand.module.client.clone().finalize().unwrap();
    let mut checks = 0;
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
                    checks += 1;
                }
            });
            assert!(stand.card.verifications() > 2, "{case} has not used the card");
            is_locked(&stand.card, case);
        }
    }
    // Several threads leave other programs little time at the card; one thread leaves enough.
    assert!(checks > 8, "the calls ended after only {checks} checks of the card");
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
        // Spread over some periods of the loop, without a pattern. Its pauses are always as long as its signatures.
        sleep(Duration::from_micros((round * 7_919) % (4 * signature)));
        user.kill();
        // The killed program's last command may still be on its way, in a transaction that pcscd has to end.
        wait_for_no_transaction(Reader::First);
        let log = stand.card.log();
        let last: String = log.last().map(|line| line.chars().filter(|c| !c.is_whitespace()).collect()).unwrap();
        if last.to_uppercase().contains(LEAVE) {
            outside += 1;
            is_locked(&stand.card, &format!("SIGKILL at rest, round {round}"));
        } else {
            // A dead program cannot lock the card.
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

#[test]
fn after_a_power_down_that_another_program_has_thwarted() {
    // The card refuses to be left, and a reset comes in between when its power is to be taken.
    let stand = Stand::with(&["--leave", "refused-all"]);
    drop(stand.module);
    let preloaded = scratch("failed-end.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/failed_end.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I/usr/include/PCSC"]);
    let _ =
        run(compiler.arg(source).arg("-o").arg(&preloaded).args(["-Wl,--no-as-needed", "-lpcsclite", "-ldl"])).good();
    let _bystander = bystander(Reader::First);
    for key in Key::ALL {
        // It goes on while it is looked at: a program that has ended gives the card up in other ways.
        let mut program =
            Helper::start_with("module-user", &["signed", key.name()], &[("LD_PRELOAD", preloaded.as_os_str())]);
        program.expect("ready");
        is_locked(&stand.card, &format!("a signature with the {} key", key.name()));
        program.kill();
    }
    let _ = std::fs::remove_file(&preloaded);
}

#[test]
fn after_an_exit_in_the_middle_of_a_signature() {
    for key in Key::ALL {
        let stand = Stand::with(&["--sign-delay-ms", "350"]);
        drop(stand.module);
        let _bystander = bystander(Reader::First);
        // At each moment of a signature: before it, in it, and between two.
        for delay in ["0", "100", "200", "300", "400", "500"] {
            let environment = [("JPKI_EXIT_AFTER", delay.as_ref())];
            let mut program = Helper::start_with("module-user", &["exit", key.name()], &environment);
            program.expect("ready");
            assert_eq!(program.end(), [""; 0]);
            is_locked(&stand.card, &format!("exit after {delay} ms, {} key", key.name()));
        }
    }
}
