//! C_WaitForSlotEvent.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::{CK_SLOT_ID, CKM_RSA_PKCS, CKO_PRIVATE_KEY};
use jpki_pkcs11::core::{Error, Module};
use jpki_pkcs11::settings::{Settings, ShownTokens};
use jpki_virtual_card::Options;

use super::{Program, module_on, plain};
use crate::machine::{Cost, Fate, Machine};
use crate::support::{AUTH, READER, SECOND_READER, assert_locked, plastic};

/// How long a thread may stay in C_WaitForSlotEvent after C_Finalize: 100 ms, because programs call it at their exit
/// and then wait for their threads; and as much again for a machine that is busy with the other tests.
const WAKE_LIMIT: Duration = Duration::from_millis(200);

/// All slots that have events now.
fn events(module: &Module) -> HashSet<CK_SLOT_ID> {
    let mut slots = HashSet::new();
    loop {
        match module.wait_for_slot_event(false) {
            Ok(slot) => assert!(slots.insert(slot), "slot {slot} twice"),
            Err(Error::NoEvent) => return slots,
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn nothing_has_happened_at_the_start() {
    let machine = Machine::new(&[READER]);
    machine.insert(READER, &plastic(Options::default()));
    let module = module_on(&machine, Settings::default());
    assert_eq!(module.wait_for_slot_event(false), Err(Error::NoEvent));
    let _ = module.slot_ids(true, true);
    assert_eq!(module.wait_for_slot_event(false), Err(Error::NoEvent));
}

#[test]
fn insertions_and_removals_are_events_of_both_slots() {
    let machine = Machine::new(&[READER, SECOND_READER]);
    let module = module_on(&machine, Settings::default());
    let _ = module.slot_ids(false, true);
    let card = plastic(Options::default());
    machine.insert(SECOND_READER, &card);
    assert_eq!(events(&module), HashSet::from([2, 3]));
    machine.remove(SECOND_READER);
    assert_eq!(events(&module), HashSet::from([2, 3]));
    machine.insert(READER, &card);
    machine.remove(READER);
    assert_eq!(events(&module), HashSet::from([0, 1]), "one flag for each slot, however many events");
    machine.unplug(READER);
    assert_eq!(events(&module), HashSet::from([0, 1]));
    machine.plug(READER);
    assert_eq!(events(&module), HashSet::from([0, 1]));
    machine.plug("Virtual Reader 02 00");
    assert_eq!(events(&module), HashSet::from([4, 5]), "a new reader has new slots");
    assert_eq!(machine.take_cost(), Cost::default(), "no APDU for any of this");
}

#[test]
fn events_of_slots_that_nobody_sees() {
    let machine = Machine::new(&[READER]);
    let module = module_on(&machine, Settings { slots: ShownTokens::Signature, ..Settings::default() });
    machine.insert(READER, &plastic(Options::default()));
    assert_eq!(events(&module), HashSet::from([1]));
    let module = module_on(&machine, Settings { readers: vec!["another".into()], ..Settings::default() });
    machine.remove(READER);
    assert_eq!(events(&module), HashSet::new());
}

#[test]
fn a_waiting_thread_wakes_for_a_card() {
    let machine = Machine::new(&[READER]);
    let module = Arc::new(module_on(&machine, Settings::default()));
    let waiter = thread::spawn({
        let module = Arc::clone(&module);
        move || [module.wait_for_slot_event(true), module.wait_for_slot_event(true)]
    });
    machine.insert(READER, &plastic(Options::default()));
    let events = waiter.join().expect("no panic").map(|event| event.expect("an event"));
    assert_eq!(HashSet::from(events), HashSet::from([0, 1]));
}

#[test]
fn the_service_stops_and_starts_while_a_thread_waits() {
    let machine = Machine::new(&[READER]);
    let module = Arc::new(module_on(&machine, Settings::default()));
    let _ = module.slot_ids(false, true);
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn({
        let module = Arc::clone(&module);
        move || {
            while let Ok(slot) = module.wait_for_slot_event(true) {
                sender.send(slot).expect("somebody listens");
            }
        }
    });
    let next_two = || {
        let next = || receiver.recv_timeout(Duration::from_secs(10)).expect("an event");
        HashSet::from([next(), next()])
    };
    machine.stop_service();
    assert_eq!(next_two(), HashSet::from([0, 1]), "the readers are gone");
    machine.start_service();
    assert_eq!(next_two(), HashSet::from([0, 1]), "the readers are back");
    module.finalize();
    waiter.join().expect("no panic");
}

#[test]
fn finalize_wakes_who_waits() {
    for service in [true, false] {
        let machine = Machine::new(&[READER]);
        if !service {
            machine.stop_service();
        }
        let module = Arc::new(module_on(&machine, Settings::default()));
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let module = Arc::clone(&module);
                thread::spawn(move || (module.wait_for_slot_event(true), Instant::now()))
            })
            .collect();
        // Long enough for the threads to fall asleep. The test is right even if one is still awake.
        thread::sleep(Duration::from_millis(50));
        let start = Instant::now();
        module.finalize();
        for waiter in waiters {
            let (answer, woken) = waiter.join().expect("no panic");
            assert_eq!(answer, Err(Error::NotInitialized));
            let late = woken.saturating_duration_since(start);
            assert!(late < WAKE_LIMIT, "woken after {late:?}");
        }
        assert_eq!(module.wait_for_slot_event(true), Err(Error::NotInitialized), "no thread falls asleep afterwards");
    }
}

#[test]
fn finalize_wakes_who_waits_before_it_waits_for_the_card() {
    let program = &Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    program.sign_init(session, plain(CKM_RSA_PKCS), key).expect("a key");
    // The card is slow to sign, and C_Finalize waits for the signature, because it has to lock the card.
    let (begun, at_work) = mpsc::channel();
    program.machine.intercept(READER, move |command| {
        if command.get(1) == Some(&0x2A) {
            begun.send(()).expect("somebody listens");
            thread::sleep(4 * WAKE_LIMIT);
        }
        Fate::Arrives
    });
    thread::scope(|scope| {
        let waiter = scope.spawn(|| (program.wait_for_slot_event(true), Instant::now()));
        scope.spawn(|| program.sign_final(session, b"x"));
        at_work.recv().expect("the card signs");
        let start = Instant::now();
        program.finalize();
        let (finalized, (answer, woken)) = (Instant::now(), waiter.join().expect("no panic"));
        assert_eq!(answer, Err(Error::NotInitialized));
        let late = woken.saturating_duration_since(start);
        assert!(late < WAKE_LIMIT, "woken after {late:?}");
        assert!(woken < finalized, "C_Finalize waited for the card");
    });
    program.machine.intercept_no_more(READER);
    assert_locked(&program.machine, "after C_Finalize");
}
