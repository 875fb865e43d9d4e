//! Certificates as the core needs them: each field in the form PKCS#11 wants it.

use der::{Decode, Encode};
use sha1::{Digest, Sha1};
use x509_cert::Certificate as X509;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::Time;
use zeroize::Zeroizing;

use super::public_key::PublicKey;

/// A day, as CK_DATE wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A certificate of the card. What it holds may be private (the signing certificate names its holder), so that it has
/// no Debug form, and its memory is cleared when it is dropped.
pub struct Certificate {
    der: Zeroizing<Vec<u8>>,
    subject: Zeroizing<Vec<u8>>,
    issuer: Vec<u8>,
    serial_number: Vec<u8>,
    not_before: Date,
    not_after: Date,
    public_key_info: Vec<u8>,
    public_key: PublicKey,
    key_identifier: [u8; 20],
    authority_key_identifier: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads a certificate; `None` where it cannot be read, or holds no RSA key.
    pub(super) fn parse(der: Zeroizing<Vec<u8>>) -> Option<Self> {
        let certificate = X509::from_der(&der).ok()?;
        let fields = &certificate.tbs_certificate;
        let public_key_info = fields.subject_public_key_info.to_der().ok()?;
        let public_key = PublicKey::from_spki(SubjectPublicKeyInfoRef::from_der(&public_key_info).ok()?)?;
        let key_bits = fields.subject_public_key_info.subject_public_key.as_bytes()?;
        let authority_key_identifier = fields
            .get::<AuthorityKeyIdentifier>()
            .ok()
            .flatten()
            .and_then(|(_, identifier)| identifier.key_identifier)
            .map(|identifier| identifier.as_bytes().to_vec());
        Some(Certificate {
            subject: Zeroizing::new(fields.subject.to_der().ok()?),
            issuer: fields.issuer.to_der().ok()?,
            serial_number: fields.serial_number.to_der().ok()?,
            not_before: date(fields.validity.not_before),
            not_after: date(fields.validity.not_after),
            public_key,
            key_identifier: Sha1::digest(key_bits).into(),
            authority_key_identifier,
            public_key_info,
            der,
        })
    }

    /// The certificate as it is on the card.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The subject's name in DER.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The issuer's name in DER.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The serial number as a DER INTEGER.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        &self.serial_number
    }

    /// The first day of validity, in UTC.
    #[must_use]
    pub fn not_before(&self) -> Date {
        self.not_before
    }

    /// The last day of validity, in UTC.
    #[must_use]
    pub fn not_after(&self) -> Date {
        self.not_after
    }

    /// SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// The certified key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The SHA-1 hash of the key's bit string: the same for every certificate of the key (RFC 5280 §4.2.1.2, method 1).
    #[must_use]
    pub fn key_identifier(&self) -> &[u8; 20] {
        &self.key_identifier
    }

    /// The key identifier of the CA that issued it, where the certificate names it.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.authority_key_identifier.as_deref()
    }
}

fn date(time: Time) -> Date {
    let time = time.to_date_time();
    Date { year: time.year(), month: time.month(), day: time.day() }
}
