//! The virtual card with a card client of another author that was tried on real cards: the crate `myna-card`.

use jpki_virtual_card::{Card as VirtualCard, Options, test_identity};
use myna_card::ap::common::CommonAp;
use myna_card::ap::jpki::{JpkiAp, SignatureScheme};
use myna_card::{Card, Certificate, Pin, Result, Retries, TokenType, Transmit};

struct Link(VirtualCard);

impl Transmit for Link {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.transmit(command).expect("an answer"))
    }
}

fn card() -> Card<Link> {
    let mut card = VirtualCard::new(test_identity(), Options::default());
    card.power_on();
    Card::new(Link(card))
}

const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::Verbatim,
    SignatureScheme::Sha256Bare,
    SignatureScheme::PreHashedDigestInfo,
    SignatureScheme::Sha256DigestInfo,
    SignatureScheme::PreHashedPss,
    SignatureScheme::Sha256Pss,
];

#[test]
fn it_reads_everything() {
    let mut card = card();
    let mut jpki = JpkiAp::select(&mut card).unwrap();
    let token = jpki.read_token_info().unwrap();
    assert_eq!(token.token_type, TokenType::Card);
    assert!(token.token_type.is_physical_card());
    let availability = jpki.read_certificate_availability().unwrap();
    assert!(availability.has_auth_certificate() && availability.has_sign_certificate());

    let identity = test_identity();
    let auth = jpki.read_auth_certificate_der().unwrap();
    assert_eq!(auth, identity.auth_certificate());
    jpki.read_sign_certificate_der().expect_err("no PIN yet");
    jpki.verify_sign_pin(&Pin::new("ABC123").unwrap()).unwrap();
    let sign = jpki.read_sign_certificate_der().unwrap();
    assert_eq!(sign, identity.sign_certificate());
    let auth_ca = jpki.read_auth_ca_certificate_der().unwrap();
    assert_eq!(auth_ca, identity.auth_ca_certificate());
    let sign_ca = jpki.read_sign_ca_certificate_der().unwrap();
    assert_eq!(sign_ca, identity.sign_ca_certificate());

    let [auth, sign, auth_ca, sign_ca] = [auth, sign, auth_ca, sign_ca].map(|der| Certificate::parse(&der).unwrap());
    auth.verify_signature(&auth_ca).unwrap();
    sign.verify_signature(&sign_ca).unwrap();
    auth_ca.verify_signature(&auth_ca).unwrap();
    sign_ca.verify_signature(&sign_ca).unwrap();
    auth.verify_signature(&sign_ca).expect_err("the wrong authority");
}

#[test]
fn it_reads_the_number_of_the_card() {
    let mut card = card();
    let information = CommonAp::select(&mut card).unwrap().read_card_info().unwrap();
    assert_eq!(information.serial, "990000000000017");
    assert_eq!(information.municipality_code, "13999");
    assert_eq!(information.expiry.to_string(), "2035-04-01");
}

#[test]
fn both_keys_sign_in_all_schemes() {
    let mut card = card();
    let mut jpki = JpkiAp::select(&mut card).unwrap();
    jpki.verify_auth_pin(&Pin::numeric("1234").unwrap()).unwrap();
    jpki.verify_sign_pin(&Pin::new("ABC123").unwrap()).unwrap();
    let input = [0x5A; 32];
    for scheme in SCHEMES {
        // Each call checks the signature with the key of the certificate.
        jpki.sign_with_auth_key_checked(scheme, &input).unwrap();
        jpki.sign_with_sign_key_checked(scheme, &input).unwrap();
    }
}

#[test]
fn it_changes_a_pin_and_asks_for_the_tries_left() {
    let mut card = card();
    let mut jpki = JpkiAp::select(&mut card).unwrap();
    let [old, new] = ["1234", "5678"].map(|pin| Pin::numeric(pin).unwrap());
    assert_eq!(jpki.auth_pin_retries().unwrap(), Retries::Remaining(3));
    assert_eq!(jpki.sign_pin_retries().unwrap(), Retries::Remaining(5));
    jpki.change_auth_pin(&old, &new).unwrap();
    jpki.verify_auth_pin(&old).expect_err("the old PIN");
    jpki.verify_auth_pin(&new).unwrap();
}
