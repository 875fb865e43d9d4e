//! The hierarchy `O=JPKI-DEMO`: its certificates have the extensions of those on a real test card, in the same order,
//! encoding and size (card-facts §6.2 to §6.4). Everything about the holder is invented; the hosts do not exist.

use der::DateTime;
use der::asn1::{Any, OctetString};
use der::oid::ObjectIdentifier;
use der::oid::db::rfc4519::{C, CN, L, O, OU};
use der::oid::db::rfc5280::{ID_AD_OCSP, ID_KP_CLIENT_AUTH, ID_QT_CPS};
use rand::Rng;
use rand::rngs::OsRng;
use rsa::{RsaPrivateKey, RsaPublicKey};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::certpolicy::{PolicyInformation, PolicyQualifierInfo};
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, IssuerAltName, KeyUsage, KeyUsages, SubjectAltName,
};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

use crate::certificate::{Contents, extension, issue, key_identifier, name, other_name, url, validity, years_after};
use crate::error::Error;
use crate::generation::{Term, serial};
use crate::pin_kind::PinKind;

const ORGANIZATION: &str = "JPKI-DEMO";
const AGENCY: &str = "Japan Agency for Local Authority Information Systems";
const PREFECTURE: &str = "Tokyo-to";
const MUNICIPALITY: &str = "Gensou-shi";
const MUNICIPALITY_CODE: &str = "13999";
const CPS: &str = "http://www.jp.invalid/cps.html";
const OCSP: &str = "http://demo-ocspauthnorm.jp.invalid";

/// The policies of the test hierarchy (card-facts §6.2, §6.3).
const AUTH_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.0.30");
const SIGN_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.0.20");

/// What the signature certificate says about its holder, in the card's order (card-facts §6.3): name, date of birth
/// (with the era before it), sex, address, and which characters of name and address are substitutes.
const HOLDER: [(&str, &str); 6] = [
    ("1.2.392.200149.8.5.5.1", "見本　花子"),
    ("1.2.392.200149.8.5.5.4", "420010401"),
    ("1.2.392.200149.8.5.5.3", "2"),
    ("1.2.392.200149.8.5.5.5", "東京都幻想市見本町１２－３４－５６７"),
    ("1.2.392.200149.8.5.5.2", "00000"),
    ("1.2.392.200149.8.5.5.6", "000000000000000000"),
];

/// An authority: the issuer of all certificates of one kind.
pub(crate) struct Authority {
    kind: PinKind,
    key: RsaPrivateKey,
    serial: SerialNumber,
    pub(crate) certificate: Vec<u8>,
}

impl Authority {
    /// A self-signed root, like all real authorities (card-facts §6.4).
    pub(crate) fn new(kind: PinKind, key: RsaPrivateKey, term: Term) -> Result<Self, Error> {
        let Term { serial, from, last_day } = term;
        let public = key.to_public_key();
        let contents = Contents {
            serial: serial.clone(),
            issuer: issuer_name(kind)?,
            validity: validity(from, last_day)?,
            subject: issuer_name(kind)?,
            key: public.clone(),
            extensions: vec![
                extension(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign), true)?,
                extension(&SubjectAltName(vec![japanese_issuer_name(kind)?]), false)?,
                extension(&BasicConstraints { ca: true, path_len_constraint: None }, true)?,
                extension(&distribution_point(issuer_name(kind)?), false)?,
                extension(&key_identifier(&public)?, false)?,
            ],
        };
        let certificate = issue(contents, &key)?;
        Ok(Authority { kind, key, serial, certificate })
    }

    /// The holder's certificate: valid for five years from `day`.
    pub(crate) fn issue(&self, key: &RsaPublicKey, day: DateTime) -> Result<Vec<u8>, Error> {
        self.issue_for(key, validity(day, years_after(day, 5)?)?)
    }

    /// The holder's previous certificate: it ended early, with its card, a year before `day` (card-facts §6.2).
    pub(crate) fn issue_expired(&self, key: &RsaPublicKey, day: DateTime) -> Result<Vec<u8>, Error> {
        self.issue_for(key, validity(years_after(day, -2)?, years_after(day, -1)?)?)
    }

    fn issue_for(&self, key: &RsaPublicKey, validity: Validity) -> Result<Vec<u8>, Error> {
        let contents = Contents {
            serial: serial()?,
            issuer: issuer_name(self.kind)?,
            subject: self.subject(&validity)?,
            validity,
            key: key.clone(),
            extensions: self.holder_extensions(key)?,
        };
        issue(contents, &self.key)
    }

    fn holder_extensions(&self, key: &RsaPublicKey) -> Result<Vec<Extension>, Error> {
        let kind = self.kind;
        let mut extensions = match kind {
            PinKind::Authentication => vec![
                extension(&KeyUsage(KeyUsages::DigitalSignature.into()), true)?,
                extension(&ExtendedKeyUsage(vec![ID_KP_CLIENT_AUTH]), false)?,
                extension(&policies(AUTH_POLICY)?, true)?,
            ],
            PinKind::Signature => vec![
                extension(&KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation), true)?,
                extension(&holder()?, false)?,
                extension(&policies(SIGN_POLICY)?, true)?,
            ],
        };
        extensions.push(extension(&IssuerAltName(vec![japanese_issuer_name(kind)?]), false)?);
        let list = format!("{MUNICIPALITY} CRLDP");
        extensions.push(extension(
            &distribution_point(name(&[
                (C, "JP"),
                (O, ORGANIZATION),
                (OU, unit(kind)),
                (OU, "CRL Distribution Points"),
                (OU, PREFECTURE),
                (CN, &list),
            ])?),
            false,
        )?);
        if kind == PinKind::Authentication {
            let responder = AccessDescription { access_method: ID_AD_OCSP, access_location: url(OCSP)? };
            extensions.push(extension(&AuthorityInfoAccessSyntax(vec![responder]), false)?);
        }
        extensions.push(extension(&self.key_identifier()?, false)?);
        extensions.push(extension(&key_identifier(key)?, false)?);
        Ok(extensions)
    }

    fn key_identifier(&self) -> Result<AuthorityKeyIdentifier, Error> {
        let identifier = key_identifier(&self.key.to_public_key())?;
        Ok(AuthorityKeyIdentifier {
            key_identifier: Some(OctetString::new(identifier.0.as_bytes())?),
            authority_cert_issuer: Some(vec![GeneralName::DirectoryName(issuer_name(self.kind)?)]),
            authority_cert_serial_number: Some(self.serial.clone()),
        })
    }

    /// The holder as a number, not as a person (card-facts §6.2, §6.3).
    fn subject(&self, validity: &Validity) -> Result<Name, Error> {
        let number: u64 = OsRng.gen_range(0..10_000_000_000);
        Ok(match self.kind {
            PinKind::Authentication => {
                let id = format!("DEMO{number:010}{MUNICIPALITY_CODE}003A");
                name(&[(C, "JP"), (CN, &id)])?
            }
            PinKind::Signature => {
                let from = validity.not_before.to_date_time();
                let (year, month, day) = (from.year(), from.month(), from.day());
                let (hour, minute, second) = (from.hour(), from.minutes(), from.seconds());
                let id = format!(
                    "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{:05}{MUNICIPALITY_CODE}003A",
                    number % 100_000
                );
                name(&[(C, "JP"), (L, PREFECTURE), (L, MUNICIPALITY), (CN, &id)])?
            }
        })
    }
}

fn unit(kind: PinKind) -> &'static str {
    match kind {
        PinKind::Authentication => "JPKI for user authentication",
        PinKind::Signature => "JPKI for digital signature",
    }
}

fn issuer_name(kind: PinKind) -> der::Result<Name> {
    name(&[(C, "JP"), (O, ORGANIZATION), (OU, unit(kind)), (OU, AGENCY)])
}

/// The issuer's other name, word for word as on a test card.
fn japanese_issuer_name(kind: PinKind) -> der::Result<GeneralName> {
    let unit = match kind {
        PinKind::Authentication => "公的個人認証サービス利用者証明用",
        PinKind::Signature => "公的個人認証サービス署名用",
    };
    Ok(GeneralName::DirectoryName(name(&[
        (C, "JP"),
        (O, "公的個人認証サービス"),
        (OU, unit),
        (OU, "地方公共団体情報システム機構"),
    ])?))
}

fn policies(policy: ObjectIdentifier) -> der::Result<CertificatePolicies> {
    let statement = PolicyQualifierInfo {
        policy_qualifier_id: ID_QT_CPS,
        qualifier: Some(Any::new(der::Tag::Ia5String, CPS.as_bytes())?),
    };
    Ok(CertificatePolicies(vec![PolicyInformation {
        policy_identifier: policy,
        policy_qualifiers: Some(vec![statement]),
    }]))
}

/// A directory name, not a URL: no program can fetch it (card-facts §6.2).
fn distribution_point(directory_name: Name) -> CrlDistributionPoints {
    CrlDistributionPoints(vec![DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![GeneralName::DirectoryName(directory_name)])),
        reasons: None,
        crl_issuer: None,
    }])
}

fn holder() -> der::Result<SubjectAltName> {
    let entries = HOLDER.iter().map(|(oid, value)| other_name(ObjectIdentifier::new(oid)?, value));
    Ok(SubjectAltName(entries.collect::<der::Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use der::Decode;
    use x509_cert::Certificate;

    use crate::test_identity;

    fn extension_identifiers(der: &[u8]) -> Vec<(String, bool)> {
        let certificate = Certificate::from_der(der).unwrap();
        let extensions = certificate.tbs_certificate.extensions.unwrap();
        extensions.iter().map(|e| (e.extn_id.to_string(), e.critical)).collect()
    }

    fn identifiers(list: &[(&str, bool)]) -> Vec<(String, bool)> {
        list.iter().map(|(id, c)| (id.to_string(), *c)).collect()
    }

    #[test]
    fn sizes_are_those_of_the_test_card() {
        let identity = test_identity();
        assert_eq!(identity.auth_certificate().len(), 1590);
        assert_eq!(identity.expired_auth_certificate().len(), 1590);
        assert_eq!(identity.sign_certificate().len(), 1758);
        assert_eq!(identity.expired_sign_certificate().len(), 1758);
        assert_eq!(identity.auth_ca_certificate().len(), 1333);
        assert_eq!(identity.sign_ca_certificate().len(), 1318);
    }

    #[test]
    fn extensions_are_those_of_the_test_card() {
        let identity = test_identity();
        assert_eq!(
            extension_identifiers(identity.auth_certificate()),
            identifiers(&[
                ("2.5.29.15", true),
                ("2.5.29.37", false),
                ("2.5.29.32", true),
                ("2.5.29.18", false),
                ("2.5.29.31", false),
                ("1.3.6.1.5.5.7.1.1", false),
                ("2.5.29.35", false),
                ("2.5.29.14", false),
            ])
        );
        assert_eq!(
            extension_identifiers(identity.sign_certificate()),
            identifiers(&[
                ("2.5.29.15", true),
                ("2.5.29.17", false),
                ("2.5.29.32", true),
                ("2.5.29.18", false),
                ("2.5.29.31", false),
                ("2.5.29.35", false),
                ("2.5.29.14", false),
            ])
        );
        for authority in [identity.auth_ca_certificate(), identity.sign_ca_certificate()] {
            assert_eq!(
                extension_identifiers(authority),
                identifiers(&[
                    ("2.5.29.15", true),
                    ("2.5.29.17", false),
                    ("2.5.29.19", true),
                    ("2.5.29.31", false),
                    ("2.5.29.14", false),
                ])
            );
        }
    }

    #[test]
    fn the_issuer_is_nobody_real() {
        let identity = test_identity();
        for der in [identity.auth_certificate(), identity.sign_ca_certificate()] {
            let issuer = Certificate::from_der(der).unwrap().tbs_certificate.issuer;
            assert!(issuer.to_string().contains("O=JPKI-DEMO"), "{issuer}");
        }
    }

    #[test]
    fn expired_certificates_are_over_and_the_others_are_not() {
        let identity = test_identity();
        let now = std::time::SystemTime::now();
        let end = |der: &[u8]| {
            let certificate = Certificate::from_der(der).unwrap();
            certificate.tbs_certificate.validity.not_after.to_system_time()
        };
        assert!(end(identity.expired_auth_certificate()) < now);
        assert!(end(identity.expired_sign_certificate()) < now);
        assert!(end(identity.auth_certificate()) > now);
        assert!(end(identity.sign_certificate()) > now);
    }
}
