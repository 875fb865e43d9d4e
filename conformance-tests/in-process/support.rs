//! What the tests of all layers need: cards, readers, and a second opinion on signatures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jpki_pkcs11::token::{Contents, KeyPair, LastTry, Reader, Readers, Scheme, Token};
use jpki_virtual_card::{Card, Options, PinKind, test_identity, test_identity_named};
use parking_lot::{Mutex, MutexGuard};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Digest, Sha256};

use crate::machine::{Machine, OtherProgram, Plastic};

pub(crate) const READER: &str = "Virtual Reader 00 00";
pub(crate) const SECOND_READER: &str = "Virtual Reader 01 00";
pub(crate) const AUTH: KeyPair = KeyPair::Authentication;
pub(crate) const SIGN: KeyPair = KeyPair::Signature;

pub(crate) const SELECT_JPKI: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";

/// A card of the first identity, with a number of its own unless the options give it one: the module remembers a card's
/// refused PINs for the whole process, and one test must not meet those of another.
pub(crate) fn plastic(options: Options) -> Plastic {
    Plastic::new(Card::new(test_identity(), numbered(options)))
}

/// Another person's card: other keys and another number, the same PINs.
pub(crate) fn other_plastic() -> Plastic {
    Plastic::new(Card::new(test_identity_named("second"), numbered(Options::default())))
}

/// A test holds this if its card has no serial number: the memory of refused PINs takes all such cards for one.
pub(crate) fn nameless() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock()
}

fn numbered(options: Options) -> Options {
    static NUMBERS: AtomicU64 = AtomicU64::new(1_000_000);
    if options.serial != Options::default().serial {
        return options;
    }
    Options { serial: format!("99{:013}", NUMBERS.fetch_add(1, Ordering::Relaxed)), ..options }
}

/// A machine with this card in its reader.
pub(crate) fn machine_with(card: &Plastic) -> Machine {
    let machine = Machine::new(&[READER]);
    machine.insert(READER, card);
    machine
}

/// The PIN of the default card.
pub(crate) fn pin(key_pair: KeyPair) -> &'static [u8] {
    match key_pair {
        AUTH => b"1234",
        SIGN => b"ABC123",
    }
}

/// A PIN of the right form that no card has.
pub(crate) fn wrong_pin(key_pair: KeyPair) -> &'static [u8] {
    match key_pair {
        AUTH => b"9999",
        SIGN => b"WRONG9",
    }
}

pub(crate) fn kind(key_pair: KeyPair) -> PinKind {
    match key_pair {
        AUTH => PinKind::Authentication,
        SIGN => PinKind::Signature,
    }
}

/// The only reader of a machine.
pub(crate) fn reader(machine: &Machine) -> Arc<Reader> {
    reader_with(machine, LastTry::Allow)
}

/// The only reader of a machine, for a program with this setting.
fn reader_with(machine: &Machine, last_try: LastTry) -> Arc<Reader> {
    let readers = Readers::new(Arc::new(machine.clone()), last_try).refresh(|_| true);
    assert_eq!(readers.len(), 1, "readers");
    Arc::clone(&readers[0])
}

/// The token of a key pair of the card that is in a reader.
pub(crate) fn token(reader: &Reader, key_pair: KeyPair) -> Arc<Token> {
    reader.contents().token(key_pair).expect("a JPKI card in the reader")
}

/// The token of the card in the reader, for a program that never risks the last try of a PIN.
pub(crate) fn sparing_token(machine: &Machine, key_pair: KeyPair) -> Arc<Token> {
    token(&reader_with(machine, LastTry::Spare), key_pair)
}

/// The token of a fresh card with these options, its machine, and the card.
pub(crate) fn token_of(options: Options, key_pair: KeyPair) -> (Machine, Plastic, Arc<Token>) {
    let card = plastic(options);
    let machine = machine_with(&card);
    let token = token(&reader(&machine), key_pair);
    (machine, card, token)
}

pub(crate) fn name_of(contents: &Contents) -> &'static str {
    match contents {
        Contents::Empty => "empty",
        Contents::Foreign => "foreign",
        Contents::Jpki(_) => "a JPKI card",
    }
}

/// How many PINs were sent to a card since its record was cleared. Questions for the tries left do not count.
pub(crate) fn pins_sent(card: &Plastic) -> usize {
    let card = card.card();
    card.exchanges()
        .iter()
        .filter(|exchange| exchange.command.get(1) == Some(&0x20) && exchange.command.len() > 4)
        .count()
}

/// The status word that another program gets if it signs with a key without any PIN.
pub(crate) fn use_without_pin(program: &OtherProgram, key_pair: KeyPair) -> u16 {
    let select_key: &[u8] = match key_pair {
        AUTH => b"\x00\xA4\x02\x0C\x02\x00\x17",
        SIGN => b"\x00\xA4\x02\x0C\x02\x00\x1A",
    };
    assert_eq!(program.transmit(SELECT_JPKI), [0x90, 0x00], "SELECT of the application");
    assert_eq!(program.transmit(select_key), [0x90, 0x00], "SELECT of the key");
    let answer = program.transmit(b"\x80\x2A\x00\x80\x05hello\x00");
    let status = answer.last_chunk().expect("a status word");
    u16::from_be_bytes(*status)
}

/// Asserts that no program can use a key of the card in the reader now.
#[track_caller]
pub(crate) fn assert_locked(machine: &Machine, when: &str) {
    for key_pair in KeyPair::ALL {
        let status = use_without_pin(&machine.other_program(READER), key_pair);
        assert_eq!(status, 0x6982, "{key_pair:?} {when}: {status:04X} instead of 6982");
    }
}

/// The certificate of a key pair on the default card.
pub(crate) fn certificate(key_pair: KeyPair) -> Vec<u8> {
    match key_pair {
        AUTH => test_identity().auth_certificate().to_vec(),
        SIGN => test_identity().sign_certificate().to_vec(),
    }
}

/// The key in a certificate, found without the module's help: by the DER of a 2048-bit modulus and of 65537.
pub(crate) fn key_in(certificate: &[u8]) -> RsaPublicKey {
    let before: &[u8] = &[0x02, 0x82, 0x01, 0x01, 0x00];
    let at = certificate.windows(before.len()).position(|window| window == before).expect("a modulus") + before.len();
    assert_eq!(certificate[at + 256..at + 261], [0x02, 0x03, 0x01, 0x00, 0x01]);
    RsaPublicKey::new(BigUint::from_bytes_be(&certificate[at..at + 256]), 65_537_u32.into()).expect("a key")
}

/// Whether `signature` is a signature of the default card over `input`, the bytes that the card gets.
pub(crate) fn is_signature(key_pair: KeyPair, scheme: Scheme, input: &[u8], signature: &[u8]) -> bool {
    let key = key_in(&certificate(key_pair));
    match scheme {
        Scheme::Pkcs1 => key.verify(Pkcs1v15Sign::new_unprefixed(), input, signature),
        Scheme::PssSha256 => key.verify(Pss::new_with_salt::<Sha256>(32), input, signature),
    }
    .is_ok()
}

pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    Sha256::digest(data).to_vec()
}
