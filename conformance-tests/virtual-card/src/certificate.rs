//! Making X.509 certificates: names, extensions, the signature. Their contents come from `hierarchy`.

use der::asn1::{Any, BitString, Ia5String, OctetString, SetOfVec, UtcTime};
use der::oid::{AssociatedOid, ObjectIdentifier};
use der::{DateTime, Encode, Tag};
use rsa::{Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate};

use crate::error::Error;

const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// The signed contents, without those that are the same in every certificate.
pub(crate) struct Contents {
    pub(crate) serial: SerialNumber,
    pub(crate) issuer: Name,
    pub(crate) validity: Validity,
    pub(crate) subject: Name,
    pub(crate) key: RsaPublicKey,
    pub(crate) extensions: Vec<Extension>,
}

/// Signs `contents` with the issuer's key, and returns the DER of the certificate.
pub(crate) fn issue(contents: Contents, issuer_key: &RsaPrivateKey) -> Result<Vec<u8>, Error> {
    let algorithm = AlgorithmIdentifierOwned { oid: SHA256_WITH_RSA, parameters: Some(Any::null()) };
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: contents.serial,
        signature: algorithm.clone(),
        issuer: contents.issuer,
        validity: contents.validity,
        subject: contents.subject,
        subject_public_key_info: SubjectPublicKeyInfoOwned::from_key(contents.key).map_err(Error::PublicKey)?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(contents.extensions),
    };
    let digest = Sha256::digest(tbs_certificate.to_der()?);
    let signature = issuer_key.sign(Pkcs1v15Sign::new::<Sha256>(), &digest)?;
    let certificate =
        Certificate { tbs_certificate, signature_algorithm: algorithm, signature: BitString::from_bytes(&signature)? };
    Ok(certificate.to_der()?)
}

/// An extension of a type that knows its own identifier.
pub(crate) fn extension<T: AssociatedOid + Encode>(value: &T, critical: bool) -> der::Result<Extension> {
    Ok(Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// A distinguished name of one attribute per level: country as PrintableString, the rest as UTF8String.
pub(crate) fn name(attributes: &[(ObjectIdentifier, &str)]) -> der::Result<Name> {
    let levels = attributes.iter().map(|&(oid, value)| {
        let tag = if oid == der::oid::db::rfc4519::C { Tag::PrintableString } else { Tag::Utf8String };
        let attribute = AttributeTypeAndValue { oid, value: Any::new(tag, value.as_bytes())? };
        SetOfVec::try_from(vec![attribute]).map(RelativeDistinguishedName)
    });
    Ok(RdnSequence(levels.collect::<der::Result<_>>()?))
}

/// A name of another type, with a UTF8String as its value.
pub(crate) fn other_name(oid: ObjectIdentifier, value: &str) -> der::Result<GeneralName> {
    Ok(GeneralName::OtherName(OtherName { type_id: oid, value: Any::new(Tag::Utf8String, value.as_bytes())? }))
}

/// A URL as a general name.
pub(crate) fn url(address: &str) -> der::Result<GeneralName> {
    Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(address)?))
}

/// SHA-1 over the bits of the key, the first method of RFC 5280 4.2.1.2.
pub(crate) fn key_identifier(key: &RsaPublicKey) -> Result<SubjectKeyIdentifier, Error> {
    let info = SubjectPublicKeyInfoOwned::from_key(key.clone()).map_err(Error::PublicKey)?;
    let hash = sha1::Sha1::digest(info.subject_public_key.raw_bytes());
    Ok(SubjectKeyIdentifier(OctetString::new(hash.as_slice())?))
}

/// A validity in the card's style: it ends at 14:59:59Z, which is the end of a day in Japan.
pub(crate) fn validity(from: DateTime, last_day: DateTime) -> der::Result<Validity> {
    let end = DateTime::new(last_day.year(), last_day.month(), last_day.day(), 14, 59, 59)?;
    Ok(Validity {
        not_before: Time::UtcTime(UtcTime::from_date_time(from)?),
        not_after: Time::UtcTime(UtcTime::from_date_time(end)?),
    })
}

/// The same day and time so many years later; the 28th if the month is shorter.
pub(crate) fn years_after(date: DateTime, years: i16) -> der::Result<DateTime> {
    DateTime::new(
        date.year().saturating_add_signed(years),
        date.month(),
        date.day().min(28),
        date.hour(),
        date.minutes(),
        date.seconds(),
    )
}
