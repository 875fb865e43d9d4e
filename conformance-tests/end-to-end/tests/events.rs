//! C_WaitForSlotEvent.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::error::RvError;
use cryptoki::slot::Slot;
use jpki_end_to_end::{
    Key, Module, Objects, Reader, Stand, Turn, VirtualCard, is_asleep, outcome, thread_id, wait_until,
};

/// Both slots of a reader.
fn slots(stand: &Stand, reader: Reader) -> BTreeSet<u64> {
    Key::ALL.map(|key| stand.module.slot(reader, key).id()).into()
}

/// All events that there are now.
fn fetch(stand: &Stand) -> Vec<u64> {
    std::iter::from_fn(|| stand.module.client.get_slot_event().unwrap()).map(|slot: Slot| slot.id()).collect()
}

#[test]
fn a_card_that_was_there_before_is_no_event() {
    let stand = Stand::new();
    assert!(fetch(&stand).is_empty());
    stand.module.logged_in(Key::Auth).sign_well().unwrap();
    assert!(fetch(&stand).is_empty(), "its use is no event");
}

#[test]
fn removal_and_insertion_are_one_event_for_each_slot() {
    let stand = Stand::new();
    let wanted = slots(&stand, Reader::First);
    for _ in 0..2 {
        stand.card.remove();
        let events = fetch(&stand);
        assert_eq!((events.len(), events.into_iter().collect()), (2, wanted.clone()), "removal");
        stand.card.insert();
        let events = fetch(&stand);
        assert_eq!((events.len(), events.into_iter().collect()), (2, wanted.clone()), "insertion");
    }
    stand.card.remove();
    stand.card.insert();
    assert_eq!(fetch(&stand).len(), 2, "one event for each slot, however many changes");
    let _second = VirtualCard::start(Reader::Second, &[]);
    assert_eq!(fetch(&stand).into_iter().collect::<BTreeSet<_>>(), slots(&stand, Reader::Second));
}

/// Starts a thread that waits for `count` events, and returns when it waits. It ends with the module at the latest.
fn waiting_for(module: &Module, count: usize) -> Receiver<Result<u64, RvError>> {
    let (send, events) = mpsc::channel();
    let (announce, announced) = mpsc::channel();
    let client = module.client.clone();
    thread::spawn(move || {
        announce.send(thread_id()).unwrap();
        for _ in 0..count {
            let event = outcome(client.wait_for_slot_event()).map(|slot| slot.id());
            if send.send(event).is_err() {
                break;
            }
        }
    });
    let waiter = announced.recv().unwrap();
    wait_until("a thread waits for events", || is_asleep(waiter));
    events
}

#[test]
fn a_waiting_thread_is_woken_by_the_card() {
    let stand = Stand::new();
    let wanted = slots(&stand, Reader::First);
    // Two slots, two changes.
    let events = waiting_for(&stand.module, 4);
    assert!(events.recv_timeout(Duration::from_millis(300)).is_err(), "an event without a cause");
    let two = |what| {
        let next = || events.recv_timeout(Duration::from_secs(5)).expect(what).expect(what);
        assert_eq!(BTreeSet::from([next(), next()]), wanted, "{what}");
    };
    stand.card.remove();
    two("removal");
    stand.card.insert();
    two("insertion");
}

#[test]
fn others_work_while_a_thread_waits() {
    let stand = Stand::new();
    let events = waiting_for(&stand.module, 1);
    for key in Key::ALL {
        stand.module.logged_in(key).sign_well().unwrap();
    }
    assert!(events.try_recv().is_err(), "our own use of the card is no event");
    stand.card.remove();
    assert!(events.recv_timeout(Duration::from_secs(5)).unwrap().is_ok());
}

#[test]
fn finalize_wakes_whoever_waits() {
    let _turn = Turn::take();
    // The removal of the last test's card would be an event.
    Reader::First.wait(false);
    Reader::Second.wait(false);
    let module = Module::start();
    for _ in 0..3 {
        let waiting = [waiting_for(&module, 1), waiting_for(&module, 1)];
        module.client.clone().finalize().unwrap();
        for ended in waiting {
            let answer = ended.recv_timeout(Duration::from_secs(5)).expect("a thread that C_Finalize has not woken");
            assert_eq!(answer, Err(RvError::CryptokiNotInitialized));
        }
        module.client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    }
}
