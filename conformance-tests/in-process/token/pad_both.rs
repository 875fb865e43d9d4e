//! Both tokens of a card at a PIN pad: the module keeps the card for both.

use jpki_pkcs11::token::Error;
use jpki_pkcs11::token::PinEntry::{OnPad, Typed};
use jpki_virtual_card::{LeaveBehaviour, Options};

use super::pad::{assert_given_back, at_pad, log_in, signs};
use crate::machine::User;
use crate::support::{AUTH, READER, SIGN, kind, pin, wrong_pin};

#[test]
fn both_tokens_at_the_pad() {
    for first_out in [0, 1] {
        let (machine, _card, tokens) = at_pad(Options::default());
        tokens.iter().for_each(|token| log_in(&machine, token));
        assert!(tokens.iter().all(|token| signs(token) == Ok(())));
        let (leaving, staying) = (&tokens[first_out], &tokens[1 - first_out]);
        assert_eq!(leaving.logout(), Ok(()));
        assert_eq!(signs(leaving), Err(Error::NotLoggedIn), "though its PIN is still verified on the card");
        assert!(!machine.others_can_connect(READER), "the other login lasts");
        assert_eq!(signs(staying), Ok(()));
        log_in(&machine, leaving);
        assert_eq!(signs(leaving), Ok(()));
        assert_eq!(leaving.logout(), Ok(()));
        assert_eq!(staying.logout(), Ok(()));
        assert_given_back(&machine, "after both logouts");
    }
}

#[test]
fn one_token_at_the_pad_and_one_with_a_typed_pin() {
    for leave in [LeaveBehaviour::Clears, LeaveBehaviour::RefusedAll, LeaveBehaviour::Lies] {
        for typed_first in [true, false] {
            for typed_out_first in [true, false] {
                let (machine, card, [auth, sign]) = at_pad(Options { leave, ..Options::default() });
                if typed_first {
                    assert_eq!(sign.login(Typed(pin(SIGN))), Ok(()));
                }
                log_in(&machine, &auth);
                if !typed_first {
                    assert_eq!(sign.login(Typed(wrong_pin(SIGN))), Err(Error::PinIncorrect));
                    assert_eq!(sign.login(Typed(pin(SIGN))), Ok(()));
                }
                assert_eq!((signs(&auth), signs(&sign), signs(&auth)), (Ok(()), Ok(()), Ok(())));
                if typed_out_first {
                    card.card().clear_exchanges();
                    assert_eq!(sign.logout(), Ok(()));
                    assert_eq!(card.card().exchanges().len(), 0, "no check while the card has to stay unlocked");
                    assert_eq!(signs(&sign), Err(Error::NotLoggedIn));
                    assert_eq!(signs(&auth), Ok(()), "the other login lasts");
                    assert_eq!(auth.logout(), Ok(()));
                } else {
                    assert_eq!(auth.logout(), Ok(()));
                    assert_given_back(&machine, "after the login at the pad");
                    assert_eq!(signs(&sign), Ok(()), "a held PIN needs no exclusive card");
                    assert_eq!(sign.logout(), Ok(()));
                }
                assert_given_back(&machine, &format!("after both logouts, {leave:?}"));
            }
        }
    }
}

#[test]
fn in_many_threads() {
    let (machine, card, [auth, sign]) = at_pad(Options::default());
    machine.at_pad(READER, &[User::Types("1234"); 500]);
    let no_accident = |answer: Result<(), Error>| {
        assert!(matches!(answer, Ok(()) | Err(Error::NotLoggedIn | Error::AlreadyLoggedIn)), "{answer:?}");
    };
    std::thread::scope(|scope| {
        for at_the_pad in [true, true, false, false] {
            let token = if at_the_pad { &auth } else { &sign };
            scope.spawn(move || {
                for _ in 0..20 {
                    no_accident(if at_the_pad { token.login(OnPad) } else { token.login(Typed(pin(SIGN))) });
                    no_accident(signs(token));
                    no_accident(token.logout());
                }
            });
        }
    });
    for (token, key_pair) in [(auth, AUTH), (sign, SIGN)] {
        let _ = token.logout();
        assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries());
    }
    assert_given_back(&machine, "after all threads");
}
