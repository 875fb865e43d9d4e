//! What the transport promises to the layers above (`transport::ResourceManager` and the other traits), tested with the
//! machine that takes the place of PC/SC here. The tests over a real PC/SC stack test the other implementation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use jpki_pkcs11::transport::{Channel, Connection, Ending, Error, Presence, ReaderState, ResourceManager};
use jpki_virtual_card::Options;

use crate::machine::{Fate, Machine, reader_name};
use crate::support::{READER, SECOND_READER, SELECT_JPKI, machine_with, other_plastic, plastic};

const VERIFY: &[u8] = b"\x00\x20\x00\x98\x041234";

/// One command in a transaction of its own.
fn send(connection: &mut Box<dyn Connection>, command: &[u8]) -> Result<Vec<u8>, Error> {
    send_and_end(connection, &[command], Ending::Leave)
}

/// Some commands in one transaction; the last answer.
fn send_and_end(connection: &mut Box<dyn Connection>, commands: &[&[u8]], ending: Ending) -> Result<Vec<u8>, Error> {
    let mut answer = Err(Error::Reset);
    connection.transact(&mut |channel: &mut dyn Channel| {
        for command in commands {
            answer = channel.transmit(command).map(|bytes| bytes.to_vec());
        }
        ending
    })?;
    answer
}

#[test]
fn insertions_and_removals_are_counted() {
    let machine = Machine::new(&[READER]);
    let presence = || machine.presence(READER);
    assert_eq!(presence(), Ok(Presence { card: false, events: 0 }));
    machine.insert(READER, &plastic(Options::default()));
    assert_eq!(presence(), Ok(Presence { card: true, events: 1 }));
    machine.swap(READER, &other_plastic());
    assert_eq!(presence(), Ok(Presence { card: true, events: 3 }), "a swap is a removal and an insertion");
    machine.unplug(READER);
    assert_eq!(presence(), Err(Error::NoReader));
    assert_eq!(machine.readers(), Ok(Vec::new()));
    machine.plug(READER);
    assert_eq!(presence(), Ok(Presence { card: true, events: 0 }));
}

#[test]
fn connecting_says_why_it_cannot() {
    let machine = Machine::new(&[READER]);
    let connect = |name| machine.connect(name).map(|connection| connection.events());
    assert_eq!(connect(READER), Err(Error::Removed));
    assert_eq!(connect("no such reader"), Err(Error::NoReader));
    machine.insert(READER, &plastic(Options::default()));
    assert_eq!(connect(READER), Ok(1));
    machine.set_busy(READER, true);
    assert_eq!(connect(READER), Err(Error::Busy));
    machine.set_busy(READER, false);
    machine.set_unresponsive(READER, true);
    assert_eq!(connect(READER), Err(Error::Unresponsive));
    machine.set_unresponsive(READER, false);
    machine.stop_service();
    assert_eq!(connect(READER), Err(Error::ServiceGone));
    assert_eq!(machine.readers(), Err(Error::ServiceGone));
}

#[test]
fn work_does_not_run_with_another_card() {
    let machine = machine_with(&plastic(Options::default()));
    let mut connection = machine.connect(READER).expect("a connection");
    assert_eq!(send(&mut connection, SELECT_JPKI), Ok(vec![0x90, 0x00]));
    machine.swap(READER, &other_plastic());
    let mut ran = false;
    let answer = connection.transact(&mut |_| {
        ran = true;
        Ending::Leave
    });
    assert_eq!((answer, ran), (Err(Error::Removed), false));
}

#[test]
fn a_handle_does_not_outlive_its_reader_or_the_service() {
    let machine = machine_with(&plastic(Options::default()));
    let mut connection = machine.connect(READER).expect("a connection");
    machine.unplug(READER);
    machine.plug(READER);
    assert_eq!(send(&mut connection, SELECT_JPKI), Err(Error::NoReader));
    let mut connection = machine.connect(READER).expect("a connection");
    machine.stop_service();
    machine.start_service();
    assert_eq!(send(&mut connection, SELECT_JPKI), Err(Error::ServiceGone));
}

#[test]
fn a_transaction_ends_as_it_is_told_to() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let mut connection = machine.connect(READER).expect("a connection");
    assert_eq!(send_and_end(&mut connection, &[SELECT_JPKI, VERIFY], Ending::Leave), Ok(vec![0x90, 0x00]));
    assert_eq!(card.card().verified().len(), 1, "left as it is");
    drop(connection);
    assert_eq!(card.card().verified().len(), 1, "a closed handle changes nothing");

    let mut connection = machine.connect(READER).expect("a connection");
    assert_eq!(send_and_end(&mut connection, &[SELECT_JPKI], Ending::PowerDown), Ok(vec![0x90, 0x00]));
    assert!(!card.card().is_powered());
    assert!(card.card().verified().is_empty());
    assert_eq!(send(&mut connection, SELECT_JPKI), Ok(vec![0x90, 0x00]), "power comes back with the next transaction");
}

#[test]
fn a_panic_powers_the_card_down() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let mut connection = machine.connect(READER).expect("a connection");
    let panicking = catch_unwind(AssertUnwindSafe(|| {
        connection.transact(&mut |channel| {
            channel.transmit(SELECT_JPKI).expect("an answer");
            channel.transmit(VERIFY).expect("an answer");
            panic!("on purpose");
        })
    }));
    assert!(panicking.is_err());
    assert!(card.card().verified().is_empty());
    assert_eq!(send(&mut connection, SELECT_JPKI), Ok(vec![0x90, 0x00]));
}

#[test]
fn a_reset_by_another_program_ends_nothing() {
    let machine = machine_with(&plastic(Options::default()));
    let mut connection = machine.connect(READER).expect("a connection");
    machine.other_program(READER).reset();
    assert_eq!(send(&mut connection, SELECT_JPKI), Ok(vec![0x90, 0x00]));
}

#[test]
fn a_card_that_is_pulled_out_in_the_middle() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    machine.pull_at(READER, 1);
    let mut connection = machine.connect(READER).expect("a connection");
    assert_eq!(send_and_end(&mut connection, &[SELECT_JPKI, VERIFY], Ending::Leave), Err(Error::Removed));
    assert_eq!(card.card().apdu_count(), 1);
    assert_eq!(send(&mut connection, SELECT_JPKI), Err(Error::Removed));
}

#[test]
fn answers_that_are_no_answers() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let mut connection = machine.connect(READER).expect("a connection");
    for bytes in [0, 1, 259, 300] {
        card.card().answer_matching(0xA4, 1, vec![0x90; bytes]);
        assert!(matches!(send(&mut connection, SELECT_JPKI), Err(Error::Io(_))), "{bytes} bytes");
    }
    machine.intercept(READER, |_| Fate::AnswerLost(Error::Reset));
    assert_eq!(send(&mut connection, SELECT_JPKI), Err(Error::Reset));
    machine.intercept_no_more(READER);
    assert_eq!(send(&mut connection, SELECT_JPKI), Ok(vec![0x90, 0x00]));
}

#[test]
fn a_wait_ends_with_a_change_or_a_cancellation() {
    let machine = Machine::new(&[READER]);
    let now = machine.readers().expect("readers");
    let changes: [&dyn Fn(); 5] = [
        &|| machine.insert(READER, &plastic(Options::default())),
        &|| drop(machine.remove(READER)),
        &|| machine.plug(SECOND_READER),
        &|| machine.unplug(SECOND_READER),
        // Many times, because the other thread may not be asleep yet.
        &|| {
            (0..50).for_each(|_| {
                machine.cancel_waits();
                thread::sleep(std::time::Duration::from_millis(2));
            })
        },
    ];
    for change in changes {
        let known = machine.readers().expect("readers");
        let waiter = thread::spawn({
            let machine = machine.clone();
            move || machine.wait(&known)
        });
        change();
        assert_eq!(waiter.join().expect("no panic"), Ok(()));
    }
    let stale =
        vec![ReaderState { name: reader_name(READER.as_bytes()), presence: Presence { card: true, events: 9 } }];
    assert_eq!(machine.wait(&stale), Ok(()), "no wait if the state has already changed");
    machine.stop_service();
    assert_eq!(machine.wait(&now), Err(Error::ServiceGone));
}
