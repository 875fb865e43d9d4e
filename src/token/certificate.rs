//! Certificates as the core needs them: each field in the form PKCS#11 wants it.

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Decode, ErrorKind, Reader, SliceReader, Tag, TagNumber, Tagged};
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::public_key::PublicKey;

/// id-ce-authorityKeyIdentifier (RFC 5280 §4.2.1.1).
const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");

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

/// A certificate of the card. What it holds may be private (the signing certificate names its holder), so it has no
/// Debug form, and its memory is cleared when it is dropped.
pub struct Certificate {
    der: Zeroizing<Vec<u8>>,
    subject: Zeroizing<Vec<u8>>,
    issuer: Zeroizing<Vec<u8>>,
    serial_number: Zeroizing<Vec<u8>>,
    not_before: Date,
    not_after: Date,
    public_key_info: Zeroizing<Vec<u8>>,
    public_key: PublicKey,
    key_identifier: [u8; 20],
    authority_key_identifier: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads a certificate; `None` if it cannot be read, or holds no RSA key.
    pub(super) fn parse(der: Zeroizing<Vec<u8>>) -> Option<Self> {
        let fields = Fields::read(&der).ok()?;
        let key = SubjectPublicKeyInfoRef::from_der(fields.public_key_info).ok()?;
        Some(Certificate {
            subject: Zeroizing::new(fields.subject.to_vec()),
            issuer: Zeroizing::new(fields.issuer.to_vec()),
            serial_number: Zeroizing::new(fields.serial_number.to_vec()),
            not_before: fields.not_before,
            not_after: fields.not_after,
            public_key_info: Zeroizing::new(fields.public_key_info.to_vec()),
            key_identifier: Sha1::digest(key.subject_public_key.as_bytes()?).into(),
            public_key: PublicKey::from_info(key)?,
            authority_key_identifier: fields.authority_key_identifier.map(<[u8]>::to_vec),
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

    /// The key identifier of the CA that issued it, if the certificate names it.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.authority_key_identifier.as_deref()
    }
}

/// The fields of a certificate that are needed, in DER where PKCS#11 passes them on (RFC 5280 §4.1). What is not needed
/// is not decoded, so nothing in a name or an extension can make a certificate unreadable.
struct Fields<'a> {
    serial_number: &'a [u8],
    issuer: &'a [u8],
    not_before: Date,
    not_after: Date,
    subject: &'a [u8],
    public_key_info: &'a [u8],
    authority_key_identifier: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(der: &'a [u8]) -> der::Result<Self> {
        let mut whole = SliceReader::new(der)?;
        let mut certificate = enter(&mut whole, Tag::Sequence)?;
        let mut fields = enter(&mut certificate, Tag::Sequence)?;
        let (_algorithm, _signature) = (certificate.tlv_bytes()?, certificate.tlv_bytes()?);
        certificate.finish(())?;
        whole.finish(())?;
        let version = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
        if fields.peek_header()?.tag == version {
            fields.tlv_bytes()?;
        }
        let serial_number = fields.tlv_bytes()?;
        let _algorithm = fields.tlv_bytes()?;
        let issuer = fields.tlv_bytes()?;
        let mut validity = enter(&mut fields, Tag::Sequence)?;
        let (not_before, not_after) = (date(&mut validity)?, date(&mut validity)?);
        let (subject, public_key_info) = (fields.tlv_bytes()?, fields.tlv_bytes()?);
        let mut authority_key_identifier = None;
        let extensions = Tag::ContextSpecific { constructed: true, number: TagNumber::N3 };
        while !fields.is_finished() {
            let optional = AnyRef::decode(&mut fields)?;
            if optional.tag() == extensions {
                let list = SliceReader::new(optional.value()).and_then(|mut list| enter(&mut list, Tag::Sequence));
                authority_key_identifier = list.and_then(find_authority_key_identifier).ok().flatten();
            }
        }
        Ok(Fields { serial_number, issuer, not_before, not_after, subject, public_key_info, authority_key_identifier })
    }
}

/// The content of the next value, which has to have this tag.
fn enter<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<SliceReader<'a>> {
    let value = AnyRef::decode(reader)?;
    value.tag().assert_eq(tag)?;
    SliceReader::new(value.value())
}

/// The next value: UTCTime or GeneralizedTime.
fn date(reader: &mut SliceReader<'_>) -> der::Result<Date> {
    let value = AnyRef::decode(reader)?;
    let time = match value.tag() {
        Tag::UtcTime => value.decode_as::<UtcTime>()?.to_date_time(),
        Tag::GeneralizedTime => value.decode_as::<GeneralizedTime>()?.to_date_time(),
        tag => return Err(ErrorKind::TagUnexpected { expected: Some(Tag::UtcTime), actual: tag }.into()),
    };
    Ok(Date { year: time.year(), month: time.month(), day: time.day() })
}

/// The `[0] IMPLICIT OCTET STRING OPTIONAL` of an AuthorityKeyIdentifier (RFC 5280 §4.2.1.1).
fn find_authority_key_identifier(mut list: SliceReader<'_>) -> der::Result<Option<&[u8]>> {
    let wanted = Tag::ContextSpecific { constructed: false, number: TagNumber::N0 };
    while !list.is_finished() {
        let mut extension = enter(&mut list, Tag::Sequence)?;
        if ObjectIdentifier::decode(&mut extension)? != AUTHORITY_KEY_IDENTIFIER {
            continue;
        }
        if extension.peek_header()?.tag == Tag::Boolean {
            extension.tlv_bytes()?;
        }
        let mut value = enter(&mut extension, Tag::OctetString)?;
        let mut identifier = enter(&mut value, Tag::Sequence)?;
        let first = AnyRef::decode(&mut identifier)?;
        return Ok((first.tag() == wanted).then_some(first.value()));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The holder's certificates of the virtual card have the shape of a test card's (card-facts §6.2, §6.3).
    #[test]
    fn fields_of_a_certificate() {
        let identity = jpki_virtual_card::test_identity();
        for (own, ca) in [
            (identity.auth_certificate(), identity.auth_ca_certificate()),
            (identity.sign_certificate(), identity.sign_ca_certificate()),
        ] {
            let parse = |der: &[u8]| Certificate::parse(Zeroizing::new(der.to_vec())).expect("readable");
            let (own_fields, ca_fields) = (parse(own), parse(ca));
            assert_eq!(own_fields.der(), own);
            assert_eq!(own_fields.issuer(), ca_fields.subject());
            assert_eq!(own_fields.authority_key_identifier(), Some(ca_fields.key_identifier().as_slice()));
            assert_eq!(own_fields.public_key().bits(), 2048);
            assert_eq!(own_fields.public_key().exponent(), [1, 0, 1]);
            assert!(own_fields.not_before().year <= own_fields.not_after().year);
            // An INTEGER of three bytes, as on the test card.
            assert_eq!(own_fields.serial_number().first_chunk(), Some(&[0x02, 0x03]));
        }
    }

    #[test]
    fn a_broken_extension_costs_only_itself() {
        let mut der = jpki_virtual_card::test_identity().auth_certificate().to_vec();
        // The identifier of the extension, its OCTET STRING with a length of three bytes, and the SEQUENCE in it.
        let at = der.windows(5).position(|bytes| bytes == [0x06, 0x03, 0x55, 0x1D, 0x23]).expect("an AKI") + 8;
        assert_eq!(der[at], 0x30);
        der[at] = 0x04;
        let fields = Certificate::parse(Zeroizing::new(der)).expect("readable still");
        assert_eq!(fields.authority_key_identifier(), None);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let der = jpki_virtual_card::test_identity().auth_certificate().to_vec();
        assert!(Certificate::parse(Zeroizing::new(Vec::new())).is_none());
        // Cut anywhere, it is none; nor with more behind it.
        for length in 0..der.len() {
            assert!(Certificate::parse(Zeroizing::new(der.get(..length).unwrap().to_vec())).is_none(), "{length}");
        }
        assert!(Certificate::parse(Zeroizing::new([der.as_slice(), &[0]].concat())).is_none());
    }
}
