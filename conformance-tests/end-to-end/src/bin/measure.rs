//! Prints what the module costs on the stack: times, and commands to the card. It asserts nothing.
//!
//! `conformance-tests/stack cargo run -p jpki-end-to-end --bin measure [OPTION OF THE VIRTUAL CARD...]`, for
//! example with `--speed 1000` for a contact reader at 9600 baud.

use std::time::{Duration, Instant};

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{AttributeType, ObjectClass};
use cryptoki::session::UserType;
use jpki_end_to_end::{Key, Module, Objects, Reader, Turn, VirtualCard, module_path, pin};

fn main() {
    let options: Vec<String> = std::env::args().skip(1).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let _turn = Turn::take();
    let size = module_path().metadata().expect("the module").len();
    println!("{}: {size} bytes; card: {}\n", module_path().display(), options.join(" "));
    for key in Key::ALL {
        let card = VirtualCard::start(Reader::First, &options);
        println!("{:28} {:>10} {:>6} {:>6}", key.token_label(), "time", "APDUs", "bytes");
        way(&card, key);
        println!();
    }
}

/// Measures one piece of work, and prints it as a line.
fn step<T>(card: &VirtualCard, name: &str, work: impl FnOnce() -> T) -> T {
    card.clear();
    let start = Instant::now();
    let answer = work();
    let time = start.elapsed();
    let stats = card.stats();
    println!("{name:28} {:>10} {:>6} {:>6}", shown(time), stats.apdus, stats.bytes);
    answer
}

/// Measures many calls, and prints the time of one.
fn each(card: &VirtualCard, name: &str, work: impl Fn()) {
    const CALLS: u32 = 1000;
    card.clear();
    let start = Instant::now();
    (0..CALLS).for_each(|_| work());
    let (time, stats) = (start.elapsed() / CALLS, card.stats());
    println!("{name:28} {:>10} {:>6} {:>6}", shown(time), stats.apdus, stats.bytes);
}

fn shown(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

fn way(card: &VirtualCard, key: Key) {
    let module = step(card, "load and C_Initialize", Module::start);
    let client = &module.client;
    step(card, "slots and both token infos", || {
        for slot in client.get_slots_with_token().expect("slots") {
            client.get_token_info(slot).expect("token info");
        }
    });
    let slot = module.slot(Reader::First, key);
    let session = step(card, "C_OpenSession", || module.session(key));
    step(card, "C_Login", || session.login(UserType::User, Some(&pin(key.pin()))).expect("login"));
    step(card, "read the certificate", || session.certificate());
    let private_key = step(card, "find the key", || session.one(ObjectClass::PRIVATE_KEY));
    let sign = || session.sign(&Mechanism::Sha256RsaPkcs, private_key, b"data").expect("signature");
    step(card, "C_Sign, the first", sign);
    step(card, "C_Sign, the second", sign);
    each(card, "C_GetSlotInfo", || drop(client.get_slot_info(slot)));
    each(card, "C_GetTokenInfo", || drop(client.get_token_info(slot)));
    each(card, "C_GetSessionInfo", || drop(session.get_session_info()));
    each(card, "C_GetAttributeValue (CKA_ID)", || drop(session.get_attributes(private_key, &[AttributeType::Id])));
    step(card, "C_Logout", || session.logout().expect("logout"));
    step(card, "C_Finalize", || client.clone().finalize().expect("C_Finalize"));
}
