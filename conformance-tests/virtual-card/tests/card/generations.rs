//! Cards of the three generations of authorities (card-facts §6.4).

use std::time::SystemTime;

use der::referenced::OwnedToRef;
use der::{Decode, Encode};
use jpki_virtual_card::{CaGeneration, Identity, test_identity, test_identity_of};
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};

const GENERATIONS: [CaGeneration; 3] = [CaGeneration::First, CaGeneration::Second, CaGeneration::Third];

/// The certificates of each kind: the holder's, the holder's expired one, and their authority's.
fn kinds(identity: &Identity) -> [[Certificate; 3]; 2] {
    let parse = |der: &[u8]| Certificate::from_der(der).unwrap();
    [
        [identity.auth_certificate(), identity.expired_auth_certificate(), identity.auth_ca_certificate()].map(parse),
        [identity.sign_certificate(), identity.expired_sign_certificate(), identity.sign_ca_certificate()].map(parse),
    ]
}

fn has_signed(authority: &Certificate, certificate: &Certificate) -> bool {
    let key = RsaPublicKey::try_from(authority.tbs_certificate.subject_public_key_info.owned_to_ref()).unwrap();
    let digest = Sha256::digest(certificate.tbs_certificate.to_der().unwrap());
    key.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, certificate.signature.raw_bytes()).is_ok()
}

fn validity(certificate: &Certificate) -> [SystemTime; 2] {
    let validity = &certificate.tbs_certificate.validity;
    [validity.not_before, validity.not_after].map(|time| time.to_system_time())
}

#[test]
fn authorities_of_one_name_have_different_keys() {
    let mut identities = vec![test_identity()];
    identities.extend(GENERATIONS.map(test_identity_of));
    for (place, identity) in identities.iter().enumerate() {
        for (kind, [certificate, expired, authority]) in kinds(identity).iter().enumerate() {
            assert_eq!(certificate.tbs_certificate.issuer, authority.tbs_certificate.subject);
            assert!(has_signed(authority, authority));
            assert!(has_signed(authority, certificate));
            assert!(has_signed(authority, expired));
            for (_, other) in identities.iter().enumerate().filter(|&(other_place, _)| other_place != place) {
                let [_, _, other] = &kinds(other)[kind];
                assert_eq!(other.tbs_certificate.subject, authority.tbs_certificate.subject);
                assert!(!has_signed(other, certificate), "only the key distinguishes the authorities");
            }
        }
    }
}

#[test]
fn a_certificate_names_the_key_of_its_authority() {
    for generation in GENERATIONS {
        for [certificate, _, authority] in kinds(&test_identity_of(generation)) {
            let (_, named) = certificate.tbs_certificate.get::<AuthorityKeyIdentifier>().unwrap().unwrap();
            let (_, own) = authority.tbs_certificate.get::<SubjectKeyIdentifier>().unwrap().unwrap();
            assert_eq!(named.key_identifier, Some(own.0), "{generation:?}");
            assert_eq!(named.authority_cert_serial_number, Some(authority.tbs_certificate.serial_number));
        }
    }
}

#[test]
fn serial_numbers_and_days_are_those_of_their_generation() {
    for (generation, serial_size, days) in [
        (CaGeneration::First, 1, ["2015-10-20", "2025-10-19"]),
        (CaGeneration::Second, 4, ["2019-09-14", "2029-09-14"]),
        (CaGeneration::Third, 4, ["2023-07-16", "2033-07-15"]),
    ] {
        for [certificate, expired, authority] in kinds(&test_identity_of(generation)) {
            let serial = &authority.tbs_certificate.serial_number;
            assert_eq!(serial.as_bytes().len(), serial_size, "{generation:?}");
            let validity_of_authority = &authority.tbs_certificate.validity;
            let ends = [validity_of_authority.not_before, validity_of_authority.not_after];
            assert_eq!(ends.map(|time| time.to_date_time().to_string()[..10].to_owned()), days);

            let [from, to] = validity(&authority);
            let now = SystemTime::now();
            for holders in [&certificate, &expired] {
                let [not_before, not_after] = validity(holders);
                assert!(from <= not_before && not_after <= to, "{generation:?}: it does not outlast its authority");
                assert!(not_before <= now);
            }
            assert!(validity(&expired)[1] < now);
        }
    }
    let [[first, ..], _] = kinds(&test_identity_of(CaGeneration::First));
    assert!(validity(&first)[1] < SystemTime::now(), "the first generation has ended");
}
