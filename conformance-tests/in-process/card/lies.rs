//! Cards with answers that make no sense: always an error, never a panic, and the next work succeeds.

use jpki_pkcs11::card::{Application, CertificateFile, Error, Scheme, card_number};
use jpki_pkcs11::transport::Channel;
use jpki_virtual_card::Options;
use zeroize::Zeroizing;

use super::powered;
use crate::support::{AUTH, SIGN, certificate, pin};

/// Answers that no command has: cut off, too long, without data, senseless.
fn nonsense() -> Vec<Vec<u8>> {
    let mut answers =
        vec![vec![], vec![0x90], vec![0x00], vec![0x6F], vec![0xFF; 1], vec![0x00, 0x00], vec![0xFF, 0xFF]];
    for status in [0x6100_u16, 0x6C10, 0x6281, 0x6283, 0x6400, 0x6581, 0x6700, 0x6881, 0x69FC, 0x6A80, 0x6E00, 0x6F00] {
        answers.push(status.to_be_bytes().to_vec());
    }
    answers
}

type Work = fn(&mut Application<'_>) -> Result<(), Error>;

const WORK: [(&str, u8, Work); 7] = [
    ("label", 0xB0, |application| application.token_label().map(|_| ())),
    ("certificate", 0xB0, |application| application.read_certificate(CertificateFile::EndEntity(AUTH)).map(|_| ())),
    ("verify", 0x20, |application| application.verify(AUTH, pin(AUTH))),
    ("change", 0x24, |application| application.change_pin(AUTH, pin(AUTH), pin(AUTH))),
    ("sign", 0x2A, |application| {
        application.verify(AUTH, pin(AUTH))?;
        application.sign(AUTH, Scheme::Pkcs1, b"x").map(|_| ())
    }),
    ("sign with PSS", 0x2A, |application| {
        application.verify(SIGN, pin(SIGN))?;
        application.sign(SIGN, Scheme::PssSha256, &[0; 32]).map(|_| ())
    }),
    ("challenge", 0x84, |application| application.challenge(8).map(|_| ())),
];

#[test]
fn nonsense_is_an_error_and_the_next_work_succeeds() {
    for answer in nonsense() {
        for (name, instruction, work) in WORK {
            let mut card = powered(Options::default());
            // The first command with this instruction.
            card.0.answer_matching(instruction, 1, answer.clone());
            let lied = card.first_work(work);
            assert!(lied.is_err(), "{name} with {answer:02X?}");
            assert_eq!(card.first_work(work), Ok(()), "{name} after {answer:02X?}");
            assert!(card.0.verified().is_empty(), "{name} after {answer:02X?}: left unlocked");
        }
    }
}

#[test]
fn nonsense_to_a_select_is_an_error_or_another_card() {
    for answer in nonsense() {
        let mut card = powered(Options::default());
        card.0.answer_matching(0xA4, 2, answer.clone());
        let lied = card.first_work(|application| application.token_label());
        assert!(lied.is_err(), "{answer:02X?}");
        card.0.answer_matching(0xA4, 0, Vec::new());
        assert!(card.first_work(|application| application.token_label()).is_ok(), "after {answer:02X?}");
    }
}

#[test]
fn nonsense_about_tries_spends_none() {
    for answer in nonsense() {
        let mut card = powered(Options::default());
        card.0.answer_matching(0x20, 1, answer.clone());
        let answered = card.first_work(|application| application.tries_left(AUTH));
        assert!(matches!(answered, Ok(None) | Err(_)), "{answer:02X?} gave {answered:?}");
        assert_eq!(card.first_work(|application| application.tries_left(AUTH)), Ok(Some(3)));
    }
}

#[test]
fn more_data_than_was_asked_for() {
    let mut long = vec![0x30; 300];
    long.extend([0x90, 0x00]);
    for (name, instruction, work) in WORK.into_iter().filter(|(_, instruction, _)| matches!(instruction, 0xB0 | 0x84)) {
        let mut card = powered(Options::default());
        card.0.answer_matching(instruction, 1, long.clone());
        assert!(card.first_work(work).is_err(), "{name}");
        assert_eq!(card.first_work(work), Ok(()), "{name}");
    }
}

/// Reads the certificate of a card that answers the first READ BINARY with `start`.
fn read_with_start(start: &[u8]) -> Result<usize, Error> {
    let mut card = powered(Options::default());
    card.0.answer_matching(0xB0, 1, [start, &[0x90, 0x00]].concat());
    let file = CertificateFile::EndEntity(AUTH);
    let answer = card.first_work(|application| application.read_certificate(file).map(|der| der.len()));
    assert_eq!(card.first_work(|application| application.read_certificate(file).map(|der| der.len())), Ok(1590));
    answer
}

#[test]
fn certificates_with_a_wrong_length() {
    let start = certificate(AUTH)[..256].to_vec();
    let with_length = |length: u16| {
        let mut start = start.clone();
        start[2..4].copy_from_slice(&length.to_be_bytes());
        read_with_start(&start)
    };
    for length in [0x0EE0, 0x1000, 0x7FF0, 0x7FFB] {
        assert!(with_length(length).is_err(), "longer than the file: {length:04X}");
    }
    for length in [0x7FFC, 0x8000, 0xFFFB, 0xFFFC, 0xFFFF] {
        assert!(matches!(with_length(length), Err(Error::Malformed(_))), "longer than any file: {length:04X}");
    }
    for length in [0x0000, 0x0001, 0x007F, 0x00FF] {
        assert!(matches!(with_length(length), Err(Error::Malformed(_))), "DER encodes {length:04X} differently");
    }
}

#[test]
fn files_that_hold_something_else() {
    for start in
        [&[0x30][..], &[0x30, 0x82], &[0x30, 0x82, 0x06], &[0x30, 0x80, 0x00, 0x00], &[0x30, 0x03, 0x02, 0x01, 0x00]]
    {
        assert!(matches!(read_with_start(start), Err(Error::Malformed(_))), "{start:02X?}");
    }
    for start in [&[0x31, 0x82, 0x06, 0x00][..], &[0x42; 256], b"-----BEGIN CERTIFICATE-----", &[0x30, 0x83, 0, 6, 0]] {
        assert!(matches!(read_with_start(start), Err(Error::Malformed(_))), "{start:02X?}");
    }
    for start in [&[][..], &[0x00; 256], &[0xFF; 256]] {
        assert_eq!(read_with_start(start), Err(Error::Blank), "{start:02X?}");
    }
}

/// A card that answers every READ BINARY with at most `bytes` bytes, and with none from the offset `end` on.
struct Dripping {
    card: super::Wire,
    bytes: u8,
    end: u16,
}

impl Channel for Dripping {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, jpki_pkcs11::transport::Error> {
        if let [0x00, 0xB0, p1, p2, le] = *command {
            let offset = if p1 & 0x80 == 0 { u16::from_be_bytes([p1, p2]) } else { u16::from(p2) };
            if offset >= self.end {
                return Ok(Zeroizing::new(vec![0x90, 0x00]));
            }
            let le = if le == 0 { self.bytes } else { le.min(self.bytes) };
            return self.card.transmit(&[0x00, 0xB0, p1, p2, le]);
        }
        self.card.transmit(command)
    }
}

#[test]
fn a_card_that_gives_less_than_was_asked_for() {
    let read = |bytes, end| {
        let mut channel = Dripping { card: powered(Options::default()), bytes, end };
        let mut quirks = jpki_pkcs11::card::Quirks::default();
        let mut application = Application::select(&mut channel, &mut quirks).expect("a JPKI card");
        application.read_certificate(CertificateFile::EndEntity(AUTH)).map(|der| der.to_vec())
    };
    for bytes in [4, 100, 224] {
        assert_eq!(read(bytes, u16::MAX).as_deref(), Ok(certificate(AUTH).as_slice()), "{bytes} bytes at a time");
    }
    assert!(matches!(read(3, u16::MAX), Err(Error::Malformed(_))), "three bytes do not hold the length");
    assert!(
        matches!(read(200, 1000), Err(Error::Malformed(_))),
        "a file that ends too early must not be read for ever"
    );
}

#[test]
fn a_signature_of_another_length_is_passed_on_for_the_token_to_refuse() {
    let mut card = powered(Options::default());
    card.0.answer_matching(0x2A, 1, [vec![1; 100], vec![0x90, 0x00]].concat());
    let signature = card.first_work(|application| {
        application.verify(AUTH, pin(AUTH))?;
        application.sign(AUTH, Scheme::Pkcs1, b"x")
    });
    assert_eq!(signature.map(|bytes| bytes.len()), Ok(100));
}

#[test]
fn a_challenge_of_another_length_is_no_challenge() {
    for length in [0, 1, 7, 9, 256] {
        let mut card = powered(Options::default());
        card.0.answer_matching(0x84, 1, [vec![1; length], vec![0x90, 0x00]].concat());
        let answer = card.first_work(|application| application.challenge(8));
        assert!(matches!(answer, Err(Error::Malformed(_))), "{length} bytes");
    }
}

#[test]
fn nonsense_instead_of_the_number() {
    for answer in nonsense() {
        let mut card = powered(Options::default());
        // The module repeats a command whose status word reports a failure.
        let times = if matches!(answer[..], [0x64 | 0x65 | 0x6F, _]) { 2 } else { 1 };
        card.0.answer_matching(0xB2, times, answer.clone());
        let number = card_number(&mut card);
        assert!(!matches!(number, Ok(Some(_))), "{answer:02X?}");
        assert!(matches!(card_number(&mut card), Ok(Some(_))), "after {answer:02X?}");
    }
}
