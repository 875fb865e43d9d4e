//! The module leaves the card locked, however the card reacts to the leaving.

use jpki_pkcs11::card::{Application, CertificateFile, Error, KeyPair, Quirks};
use jpki_pkcs11::transport::Ending;
use jpki_virtual_card::{LeaveBehaviour, Options, PinKind};

use super::{Wire, powered};
use crate::support::{AUTH, SIGN, pin};

fn leaving(leave: LeaveBehaviour) -> Wire {
    powered(Options { leave, ..Options::default() })
}

fn unlock(application: &mut Application<'_>) -> Result<(), Error> {
    KeyPair::ALL.into_iter().try_for_each(|key_pair| application.verify(key_pair, pin(key_pair)))
}

#[test]
fn a_card_that_can_be_left() {
    // How the card reacts, how the transaction ends, and how many commands the leaving takes.
    let cases = [
        (LeaveBehaviour::Clears, Ending::Leave, 1),
        (LeaveBehaviour::Refused, Ending::Leave, 2),
        (LeaveBehaviour::RefusedAll, Ending::PowerDown, 2),
    ];
    for (leave, expected, commands) in cases {
        let mut card = leaving(leave);
        let (answer, ending) = card.work(&mut Quirks::default(), unlock);
        assert_eq!(answer, Ok(()), "{leave:?}");
        assert_eq!(ending, expected, "{leave:?}");
        assert_eq!(card.0.apdu_count(), 3 + commands, "{leave:?}");
        assert!(card.0.verified().is_empty(), "{leave:?}: left unlocked");
    }
}

#[test]
fn a_card_that_lies_is_found_out_by_a_look() {
    for key_pair in KeyPair::ALL {
        let mut card = leaving(LeaveBehaviour::Lies);
        let mut quirks = Quirks::default();
        let (_, ending) = card.work(&mut quirks, unlock);
        assert_eq!(ending, Ending::Leave, "it said 9000");
        assert_eq!(card.0.verified(), [PinKind::Authentication, PinKind::Signature], "and stayed unlocked");

        let check = |application: &mut Application<'_>| {
            let locked = application.is_locked(key_pair)?;
            if locked == Some(false) {
                application.assume_leaving_fails();
            }
            Ok(locked)
        };
        assert_eq!(card.work(&mut quirks, check), (Ok(Some(false)), Ending::PowerDown));
        assert!(card.0.verified().is_empty());
        // From now on the card is powered down at once, without the useless SELECT.
        card.0.clear_exchanges();
        assert_eq!(card.work(&mut quirks, unlock), (Ok(()), Ending::PowerDown));
        assert_eq!(card.0.apdu_count(), 3);
        assert_eq!(card.work(&mut quirks, check), (Ok(Some(true)), Ending::Leave));
    }
}

#[test]
fn looking_costs_nothing_and_unlocks_nothing() {
    for key_pair in KeyPair::ALL {
        let mut card = leaving(LeaveBehaviour::Clears);
        let answer = card.first_work(|application| application.is_locked(key_pair));
        assert_eq!(answer, Ok(Some(true)));
        assert_eq!(card.0.apdu_count(), 2);
        assert_eq!(card.0.tries_left(PinKind::Authentication), 3);
        assert_eq!(card.0.tries_left(PinKind::Signature), 5);
    }
}

#[test]
fn only_the_security_status_proves_that_a_card_is_locked() {
    for status in [0x6F00, 0x6A82, 0x6700, 0x6985] {
        let mut card = leaving(LeaveBehaviour::Clears);
        let answer = card.first_work(|application| application.is_locked(SIGN));
        assert_eq!(answer, Ok(Some(true)));
        card.0.answer_matching(0xB0, 2, u16::to_be_bytes(status).to_vec());
        let answer = card.first_work(|application| application.is_locked(SIGN));
        assert_eq!(answer, Ok(None), "{status:04X}");
    }
}

#[test]
fn where_no_pin_was_sent_nothing_is_left() {
    let mut card = leaving(LeaveBehaviour::Clears);
    let (answer, ending) =
        card.work(&mut Quirks::default(), |application| application.read_certificate(CertificateFile::Ca(AUTH)));
    assert!(answer.is_ok());
    assert_eq!(ending, Ending::Leave);
    let last = card.0.exchanges().last().expect("a command");
    assert_eq!(last.command[1], 0xB0, "the last command is a READ BINARY");
}

#[test]
fn a_pin_whose_answer_is_lost_counts_as_verified() {
    // This holds for every answer to VERIFY: the card may have verified the PIN before something went wrong.
    for answer in [vec![0x6F, 0x00], vec![0x90], vec![], vec![0x63, 0xC2], vec![0x64, 0x00]] {
        let mut card = leaving(LeaveBehaviour::Clears);
        card.0.answer_matching(0x20, 1, answer.clone());
        card.first_work(|application| application.verify(SIGN, pin(SIGN))).expect_err("no 9000");
        let last = card.0.exchanges().last().expect("a command");
        assert_eq!(last.command[..2], [0x00, 0xA4], "{answer:02X?}: the card was left by a SELECT");
    }
}

#[test]
fn a_card_that_fails_while_it_is_left_is_powered_down() {
    for answer in [vec![0x6F, 0x00], vec![0x90], vec![], vec![0x6A, 0x82], vec![0x69, 0x85]] {
        let mut card = leaving(LeaveBehaviour::Clears);
        let ending = {
            let mut failing = FailingSelects { card: &mut card, answer: answer.clone(), on: false };
            let mut quirks = Quirks::default();
            // This SELECT of the application must still succeed.
            let mut application = Application::select(&mut failing, &mut quirks).expect("a JPKI card");
            application.verify(AUTH, pin(AUTH)).expect("the right PIN");
            application.leave()
        };
        assert_eq!(ending, Ending::PowerDown, "{answer:02X?}");
    }
}

/// Answers every SELECT after the first VERIFY with something else.
struct FailingSelects<'a> {
    card: &'a mut Wire,
    answer: Vec<u8>,
    on: bool,
}

impl jpki_pkcs11::transport::Channel for FailingSelects<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, jpki_pkcs11::transport::Error> {
        self.on |= command[1] == 0x20;
        if self.on && command[1] == 0xA4 {
            return Ok(zeroize::Zeroizing::new(self.answer.clone()));
        }
        self.card.transmit(command)
    }
}

#[test]
fn a_card_that_forgets_when_it_is_selected_again() {
    let mut card = powered(Options { reselect_clears: true, ..Options::default() });
    let answer = card.first_work(|application| {
        unlock(application)?;
        application.sign(AUTH, jpki_pkcs11::card::Scheme::Pkcs1, b"x")
    });
    assert!(answer.is_ok());
    assert!(card.0.verified().is_empty());
}
