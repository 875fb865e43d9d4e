//! A card that does not answer to power: it lies the wrong way round, or its contacts are dirty. pcsc-lite takes 400 ms
//! to check its reader, and the waiting thread cannot be woken in that time.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::error::RvError;
use jpki_end_to_end::{
    Key, Module, Objects, Reader, Stand, Turn, VirtualCard, bystander, is, is_asleep, outcome, raw_apdu_exclusively,
    restart_pcscd, thread_id, wait_until,
};

/// The time in which a thread in C_WaitForSlotEvent has to return after C_Finalize.
const PROMPTLY: Duration = Duration::from_millis(100);

/// A thread that waits for events until the module ends. It sends each event, and at last the error, with the time.
struct Waiter {
    events: Receiver<(Result<u64, RvError>, Instant)>,
    thread: libc::pid_t,
}

impl Waiter {
    fn start(module: &Module) -> Self {
        let (send, events) = mpsc::channel();
        let (announce, announced) = mpsc::channel();
        let client = module.client.clone();
        thread::spawn(move || {
            announce.send(thread_id()).unwrap();
            loop {
                let event = outcome(client.wait_for_slot_event()).map(|slot| slot.id());
                if send.send((event, Instant::now())).is_err() || event.is_err() {
                    break;
                }
            }
        });
        Waiter { events, thread: announced.recv().unwrap() }
    }

    /// The slots of the next two events.
    fn two(&self, what: &str) -> BTreeSet<u64> {
        let next = || self.events.recv_timeout(Duration::from_secs(10)).expect(what).0.expect(what);
        BTreeSet::from([next(), next()])
    }

    fn expect_nothing(&self, time: Duration) {
        assert!(self.events.recv_timeout(time).is_err(), "an event without a cause");
    }

    /// How long the thread took to return after `called`, the time of C_Finalize.
    fn end(self, called: Instant) -> Duration {
        let (answer, returned) = self.events.recv_timeout(Duration::from_secs(5)).expect("the thread returns");
        assert_eq!(answer, Err(RvError::CryptokiNotInitialized));
        returned.saturating_duration_since(called)
    }
}

/// Ends the module and starts it anew. Returns how long each waiting thread took to return.
fn finalize(module: &Module, waiters: impl IntoIterator<Item = Waiter>) -> Vec<Duration> {
    let called = Instant::now();
    module.client.clone().finalize().unwrap();
    let took = waiters.into_iter().map(|waiter| waiter.end(called)).collect();
    module.client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    took
}

/// Repeats a slow round once, because the machine may have been busy. A wait for pcsc-lite's check would be slow both
/// times.
fn promptly(what: &str, round: impl Fn() -> Vec<Duration>) {
    let is_slow = |took: &[Duration]| took.iter().any(|took| *took > PROMPTLY);
    let first = round();
    if is_slow(&first) {
        let second = round();
        assert!(!is_slow(&second), "{what}: {first:?}, and again: {second:?}");
    }
}

/// The slots of a reader.
fn slots(module: &Module, reader: Reader) -> BTreeSet<u64> {
    Key::ALL.map(|key| module.slot(reader, key).id()).into()
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
    // The module keeps the first result for a second.
    wait_until("the module sees the card", || module.client.get_slots_with_token().unwrap().len() == 2);
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
    // Just after the call, while pcsc-lite may check the reader, and when the thread sleeps.
    for pause in [0, 1, 3, 10, 30, 100, 200, 300, 400, 500, 700, 900, 1500] {
        promptly(&format!("{pause} ms after the call"), || {
            let waiters = [Waiter::start(&module), Waiter::start(&module)];
            thread::sleep(Duration::from_millis(pause));
            finalize(&module, waiters)
        });
    }
}

#[test]
fn finalize_wakes_whoever_begins_to_wait_long_after_it_was_seen() {
    let _turn = Turn::take();
    let _does_not = VirtualCard::start_unresponsive(Reader::First);
    let module = Module::start();
    promptly("20 ms after the call", || {
        thread::sleep(Duration::from_secs(2));
        let waiter = Waiter::start(&module);
        thread::sleep(Duration::from_millis(20));
        finalize(&module, [waiter])
    });
}

#[test]
fn finalize_wakes_whoever_waits_while_another_program_uses_the_other_card() {
    let _turn = Turn::take();
    let _answers = VirtualCard::start(Reader::First, &[]);
    let _does_not = VirtualCard::start_unresponsive(Reader::Second);
    let module = Module::start();
    for pause in [50, 150, 250, 350, 450, 550, 700] {
        promptly(&format!("{pause} ms after another program has connected"), || {
            let waiter = Waiter::start(&module);
            thread::sleep(Duration::from_millis(1200));
            assert!(is_asleep(waiter.thread));
            // A new connection makes PC/SC wake all waiting threads.
            let _other = bystander(Reader::First);
            thread::sleep(Duration::from_millis(pause));
            finalize(&module, [waiter])
        });
    }
}

#[test]
fn that_it_goes_and_that_it_comes_are_events() {
    let stand = Stand::new();
    let (first, second) = (slots(&stand.module, Reader::First), slots(&stand.module, Reader::Second));
    let waiter = Waiter::start(&stand.module);
    for _ in 0..2 {
        let card = VirtualCard::start_unresponsive(Reader::Second);
        assert_eq!(waiter.two("the card comes"), second);
        waiter.expect_nothing(Duration::from_millis(1500));
        stand.module.logged_in(Key::Auth).sign_well().expect("the other card works meanwhile");
        drop(card);
        assert_eq!(waiter.two("it goes"), second);
        let turned = VirtualCard::start(Reader::Second, &[]);
        assert_eq!(waiter.two("the turned card comes"), second);
        drop(turned);
        assert_eq!(waiter.two("the turned card goes"), second);
    }
    let _does_not = VirtualCard::start_unresponsive(Reader::Second);
    assert_eq!(waiter.two("the card comes again"), second);
    stand.card.remove();
    assert_eq!(waiter.two("the other card goes"), first);
}

#[test]
fn another_program_has_the_next_card_for_itself() {
    let stand = Stand::new();
    let waiter = Waiter::start(&stand.module);
    for _ in 0..3 {
        let card = VirtualCard::start_unresponsive(Reader::Second);
        waiter.two("it comes");
        thread::sleep(Duration::from_millis(300));
        drop(card);
        Reader::Second.wait(false);
        // No user turns a card faster.
        thread::sleep(Duration::from_millis(100));
        let _turned = VirtualCard::start(Reader::Second, &[]);
        assert_eq!(raw_apdu_exclusively(Reader::Second, &["00A4040C0AD392F000260100000001"]), ["9000"]);
        waiter.two("it goes");
    }
}

#[test]
fn in_a_private_stack_pcscd_is_restarted_beside_it() {
    let stand = Stand::new();
    let second = slots(&stand.module, Reader::Second);
    let does_not = VirtualCard::start_unresponsive(Reader::Second);
    let waiter = Waiter::start(&stand.module);
    assert_eq!(waiter.two("it is there"), second);
    restart_pcscd(|| {});
    Reader::First.wait(true);
    stand.module.logged_in(Key::Auth).sign_well().expect("the other card works with the new pcscd");
    // All readers have gone and come back.
    while waiter.events.recv_timeout(Duration::from_secs(2)).is_ok() {}
    drop(does_not);
    assert_eq!(waiter.two("it goes"), second);
    let took = finalize(&stand.module, [waiter]);
    assert!(took.iter().all(|took| *took <= PROMPTLY), "{took:?}");
}
