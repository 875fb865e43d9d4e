//! A card that does not answer to power: it lies the wrong way round, or its contacts are dirty. pcsc-lite takes 400 ms
//! to look at its reader, in which the thread cannot be woken.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::error::RvError;
use jpki_conformance_suite::{Key, Module, Objects, Reader, Stand, Turn, VirtualCard, is, outcome};

/// How fast a thread in C_WaitForSlotEvent has to return once C_Finalize is called.
const PROMPTLY: Duration = Duration::from_millis(100);

/// A thread that waits for events until the module ends: each event, and at the end the error, with its time.
fn waiting(module: &Module) -> Receiver<(Result<u64, RvError>, Instant)> {
    let (send, events) = mpsc::channel();
    let (announce, announced) = mpsc::channel();
    let client = module.client.clone();
    thread::spawn(move || {
        announce.send(()).unwrap();
        loop {
            let event = outcome(client.wait_for_slot_event()).map(|slot| slot.id());
            if send.send((event, Instant::now())).is_err() || event.is_err() {
                break;
            }
        }
    });
    announced.recv().unwrap();
    events
}

/// Ends the module, and says how long the thread that waited took to return.
fn finalize(module: &Module, events: &Receiver<(Result<u64, RvError>, Instant)>) -> Duration {
    let called = Instant::now();
    module.client.clone().finalize().unwrap();
    let (answer, returned) = events.recv_timeout(Duration::from_secs(5)).expect("the thread returns");
    assert_eq!(answer, Err(RvError::CryptokiNotInitialized));
    returned.saturating_duration_since(called)
}

#[test]
fn it_is_no_token_until_it_is_turned() {
    let _turn = Turn::take();
    let card = VirtualCard::start_unresponsive(Reader::First);
    let module = Module::start();
    for key in Key::ALL {
        let slot = module.slot(Reader::First, key);
        assert!(!module.client.get_slot_info(slot).unwrap().token_present());
        is(module.client.get_token_info(slot), RvError::TokenNotPresent);
        is(module.client.open_ro_session(slot), RvError::TokenNotPresent);
    }
    assert!(module.client.get_slots_with_token().unwrap().is_empty());
    drop(card);
    let _turned = VirtualCard::start(Reader::First, &[]);
    for key in Key::ALL {
        module.logged_in(key).sign_well().unwrap();
    }
}

#[test]
fn finalize_wakes_whoever_waits_beside_it() {
    let _turn = Turn::take();
    let _answers = VirtualCard::start(Reader::First, &[]);
    let _does_not = VirtualCard::start_unresponsive(Reader::Second);
    let module = Module::start();
    let mut slow = Vec::new();
    // Just after the call, while it may look, and when it sleeps.
    for pause in [0, 0, 1, 3, 10, 30, 100, 200, 300, 400, 500, 700, 900, 1500] {
        let events = waiting(&module);
        thread::sleep(Duration::from_millis(pause));
        let took = finalize(&module, &events);
        if took > PROMPTLY {
            slow.push(format!("{pause} ms after the call: {took:?}"));
        }
        module.client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

#[test]
fn finalize_wakes_whoever_waits_long_after_it_was_seen() {
    let _turn = Turn::take();
    let _does_not = VirtualCard::start_unresponsive(Reader::First);
    let module = Module::start();
    thread::sleep(Duration::from_secs(2));
    let events = waiting(&module);
    thread::sleep(Duration::from_millis(20));
    let took = finalize(&module, &events);
    assert!(took <= PROMPTLY, "{took:?}");
}

#[test]
fn finalize_wakes_whoever_waits_while_other_programs_use_another_card() {
    let _turn = Turn::take();
    let _does_not = VirtualCard::start_unresponsive(Reader::Second);
    let _answers = VirtualCard::start(Reader::First, &[]);
    let module = Module::start();
    let mut slow = Vec::new();
    for _ in 0..5 {
        let events = waiting(&module);
        thread::sleep(Duration::from_millis(200));
        // Each of its connections is an event for all programs that wait.
        jpki_conformance_suite::wait_for_no_transaction(Reader::First);
        let took = finalize(&module, &events);
        if took > PROMPTLY {
            slow.push(took);
        }
        module.client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

#[test]
fn that_it_goes_and_that_it_comes_are_events() {
    let stand = Stand::new();
    let wanted: BTreeSet<_> = Key::ALL.map(|key| stand.module.slot(Reader::Second, key).id()).into();
    let events = waiting(&stand.module);
    let both = |what| {
        let next = || events.recv_timeout(Duration::from_secs(5)).expect(what).0.expect(what);
        assert_eq!(BTreeSet::from([next(), next()]), wanted, "{what}");
    };
    for _ in 0..2 {
        let card = VirtualCard::start_unresponsive(Reader::Second);
        both("it comes");
        assert!(events.recv_timeout(Duration::from_millis(1500)).is_err(), "an event out of nothing");
        stand.module.logged_in(Key::Auth).sign_well().expect("the other card works meanwhile");
        drop(card);
        both("it goes");
        let turned = VirtualCard::start(Reader::Second, &[]);
        both("it comes, turned");
        drop(turned);
        both("it goes again");
    }
    stand.card.remove();
    let first = events.recv_timeout(Duration::from_secs(5)).unwrap().0.unwrap();
    assert!(!wanted.contains(&first), "the other reader's slots");
    let _second = events.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(finalize(&stand.module, &events) <= PROMPTLY);
}
