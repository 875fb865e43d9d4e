//! The attributes of objects (PKCS#11 3.2 §4).

use std::sync::Arc;

use cryptoki_sys::*;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::call::Call;
use super::error::Error;
use super::mechanism;
use super::object::{Kind, Object};
use crate::token::{Certificate, Date, KeyPair};

/// Every attribute that an object here may have.
pub const ATTRIBUTES: [CK_ATTRIBUTE_TYPE; 50] = [
    CKA_CLASS,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_LABEL,
    CKA_UNIQUE_ID,
    CKA_PROFILE_ID,
    CKA_CERTIFICATE_TYPE,
    CKA_CERTIFICATE_CATEGORY,
    CKA_TRUSTED,
    CKA_JAVA_MIDP_SECURITY_DOMAIN,
    CKA_NAME_HASH_ALGORITHM,
    CKA_URL,
    CKA_ID,
    CKA_VALUE,
    CKA_SUBJECT,
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_PUBLIC_KEY_INFO,
    CKA_CHECK_VALUE,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
    CKA_HASH_OF_ISSUER_PUBLIC_KEY,
    CKA_KEY_TYPE,
    CKA_DERIVE,
    CKA_LOCAL,
    CKA_KEY_GEN_MECHANISM,
    CKA_ALLOWED_MECHANISMS,
    CKA_MODULUS,
    CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_ENCRYPT,
    CKA_WRAP,
    CKA_ENCAPSULATE,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_SENSITIVE,
    CKA_DECRYPT,
    CKA_UNWRAP,
    CKA_DECAPSULATE,
    CKA_EXTRACTABLE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_NEVER_EXTRACTABLE,
    CKA_ALWAYS_SENSITIVE,
];

/// A value of the signing certificate is private, so all values are cleared when they are dropped.
type Value = Result<Zeroizing<Vec<u8>>, Error>;

/// A value before it is put under that protection.
type Bytes = Result<Vec<u8>, Error>;

impl Call {
    /// One attribute of an object: what C_GetAttributeValue asks for each entry of its template.
    ///
    /// # Errors
    /// [`Error::ObjectHandleInvalid`]. For one attribute: [`Error::AttributeTypeInvalid`] if the object does not have it,
    /// [`Error::AttributeSensitive`] if the object never gives it away, and those of reading the card.
    pub fn attributes(&self, object: CK_OBJECT_HANDLE) -> Result<impl Fn(CK_ATTRIBUTE_TYPE) -> Value + use<>, Error> {
        let object = self.object(object)?;
        Ok(move |attribute| object.attribute(attribute))
    }

    /// C_GetObjectSize: the bytes of all its attributes.
    ///
    /// # Errors
    /// [`Error::ObjectHandleInvalid`], and those of reading the card.
    pub fn object_size(&self, object: CK_OBJECT_HANDLE) -> Result<usize, Error> {
        let value_of = self.attributes(object)?;
        ATTRIBUTES.iter().try_fold(0, |size, attribute| match value_of(*attribute) {
            Ok(value) => Ok(size + value.len()),
            Err(Error::AttributeTypeInvalid | Error::AttributeSensitive) => Ok(size),
            Err(error) => Err(error),
        })
    }

    /// C_CopyObject, C_DestroyObject, C_SetAttributeValue: no object allows it (CKA_COPYABLE, CKA_DESTROYABLE and
    /// CKA_MODIFIABLE are false).
    ///
    /// # Errors
    /// [`Error::ObjectHandleInvalid`]; else always [`Error::ActionProhibited`].
    pub fn prohibited(&self, object: CK_OBJECT_HANDLE) -> Result<(), Error> {
        self.object(object)?;
        Err(Error::ActionProhibited)
    }
}

impl Object {
    /// The value of one attribute, in the form in which PKCS#11 passes it.
    pub(super) fn attribute(&self, attribute: CK_ATTRIBUTE_TYPE) -> Value {
        self.bytes(attribute).map(Zeroizing::new)
    }

    fn bytes(&self, attribute: CK_ATTRIBUTE_TYPE) -> Bytes {
        match attribute {
            CKA_CLASS => Ok(number(self.kind.class())),
            CKA_TOKEN => Ok(boolean(true)),
            CKA_PRIVATE => Ok(boolean(self.is_private())),
            CKA_MODIFIABLE | CKA_COPYABLE | CKA_DESTROYABLE => Ok(boolean(false)),
            CKA_LABEL => Ok(self.label().into()),
            CKA_UNIQUE_ID => Ok(self.unique_id().into_bytes()),
            _ => match self.kind {
                Kind::PrivateKey => self.private_key_attribute(attribute),
                Kind::PublicKey => self.public_key_attribute(attribute),
                Kind::Certificate | Kind::CaCertificate => self.certificate_attribute(attribute),
                Kind::Profile(profile) if attribute == CKA_PROFILE_ID => Ok(number(profile)),
                Kind::Profile(_) => Err(Error::AttributeTypeInvalid),
            },
        }
    }

    /// Keys and certificate share one label: programs show it beside the token's.
    fn label(&self) -> &'static str {
        match (self.kind, self.token.key_pair()) {
            (Kind::Profile(_), _) => "",
            (Kind::CaCertificate, KeyPair::Authentication) => "User Authentication CA",
            (Kind::CaCertificate, KeyPair::Signature) => "Digital Signature CA",
            (_, KeyPair::Authentication) => "User Authentication",
            (_, KeyPair::Signature) => "Digital Signature",
        }
    }

    /// The same for every insertion of the card, and for no other object (PKCS#11 3.2 §4.4).
    fn unique_id(&self) -> String {
        let key_pair = match self.token.key_pair() {
            KeyPair::Authentication => "auth",
            KeyPair::Signature => "sign",
        };
        let kind = match self.kind {
            Kind::PrivateKey => "private-key".to_owned(),
            Kind::PublicKey => "public-key".to_owned(),
            Kind::Certificate => "certificate".to_owned(),
            Kind::CaCertificate => "ca-certificate".to_owned(),
            Kind::Profile(profile) => format!("profile-{profile}"),
        };
        format!("{}-{key_pair}-{kind}", self.token.serial())
    }

    /// The certificate behind the object. Every visible key and certificate has one; the card may turn out to have no
    /// CA certificate only now.
    fn content(&self) -> Result<Arc<Certificate>, Error> {
        self.certificate()?.ok_or(Error::ObjectHandleInvalid)
    }

    /// The same for private key, public key and certificate: programs find one by the other.
    fn id(&self) -> Bytes {
        if let Kind::CaCertificate = self.kind {
            // The issuer's key identifier is in the holder's certificate, which is read more often than the CA's: a
            // search by CKA_ID must not cost the reading of both. For J-LIS's CAs the two agree: seen in their
            // certificates, stated nowhere.
            if let Ok(Some(holder)) = self.token.certificate() {
                if let Some(identifier) = holder.authority_key_identifier() {
                    return Ok(identifier.to_vec());
                }
            }
        }
        Ok(self.content()?.key_identifier().to_vec())
    }

    fn certificate_attribute(&self, attribute: CK_ATTRIBUTE_TYPE) -> Bytes {
        Ok(match attribute {
            CKA_CERTIFICATE_TYPE => number(CKC_X_509),
            // The user, or an authority. Nobody has vouched for the authority: that is for the system to decide.
            CKA_CERTIFICATE_CATEGORY if self.kind == Kind::Certificate => number(CK_CERTIFICATE_CATEGORY_TOKEN_USER),
            CKA_CERTIFICATE_CATEGORY => number(CK_CERTIFICATE_CATEGORY_AUTHORITY),
            CKA_TRUSTED => boolean(false),
            CKA_JAVA_MIDP_SECURITY_DOMAIN => number(CK_SECURITY_DOMAIN_UNSPECIFIED),
            CKA_NAME_HASH_ALGORITHM => number(CKM_SHA_1),
            CKA_URL => Vec::new(),
            CKA_ID => self.id()?,
            CKA_VALUE => self.content()?.der().to_vec(),
            CKA_SUBJECT => self.content()?.subject().to_vec(),
            CKA_ISSUER => self.content()?.issuer().to_vec(),
            CKA_SERIAL_NUMBER => self.content()?.serial_number().to_vec(),
            CKA_START_DATE => date(self.content()?.not_before()),
            CKA_END_DATE => date(self.content()?.not_after()),
            CKA_PUBLIC_KEY_INFO => self.content()?.public_key_info().to_vec(),
            // The first three bytes of the SHA-1 hash of the value (PKCS#11 3.2 §4.6.2).
            CKA_CHECK_VALUE => Sha1::digest(self.content()?.der()).iter().take(3).copied().collect(),
            CKA_HASH_OF_SUBJECT_PUBLIC_KEY => self.content()?.key_identifier().to_vec(),
            CKA_HASH_OF_ISSUER_PUBLIC_KEY => {
                let content = self.content()?;
                // A certificate that its own key has signed need not name that key.
                let own = (content.issuer() == content.subject()).then_some(content.key_identifier().as_slice());
                content.authority_key_identifier().or(own).unwrap_or_default().to_vec()
            }
            _ => return Err(Error::AttributeTypeInvalid),
        })
    }

    /// What public and private keys have in common (PKCS#11 3.2 §4.8, §6.1).
    fn key_attribute(&self, attribute: CK_ATTRIBUTE_TYPE) -> Bytes {
        Ok(match attribute {
            CKA_KEY_TYPE => number(CKK_RSA),
            CKA_ID => self.id()?,
            CKA_START_DATE => date(self.content()?.not_before()),
            CKA_END_DATE => date(self.content()?.not_after()),
            CKA_DERIVE => boolean(false),
            // Keys are made on the card, as far as is known (card-facts §6.1): a guess is not claimed, nor what follows
            // from it (CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE).
            CKA_LOCAL => boolean(false),
            CKA_KEY_GEN_MECHANISM => number(CK_UNAVAILABLE_INFORMATION),
            CKA_ALLOWED_MECHANISMS => {
                mechanism::signing(self.token.knows_pss()).flat_map(CK_MECHANISM_TYPE::to_ne_bytes).collect()
            }
            CKA_SUBJECT => self.content()?.subject().to_vec(),
            CKA_PUBLIC_KEY_INFO => self.content()?.public_key_info().to_vec(),
            CKA_MODULUS => self.content()?.public_key().modulus(),
            CKA_PUBLIC_EXPONENT => self.content()?.public_key().exponent(),
            _ => return Err(Error::AttributeTypeInvalid),
        })
    }

    fn public_key_attribute(&self, attribute: CK_ATTRIBUTE_TYPE) -> Bytes {
        Ok(match attribute {
            CKA_VERIFY | CKA_VERIFY_RECOVER => boolean(true),
            CKA_ENCRYPT | CKA_WRAP | CKA_ENCAPSULATE | CKA_TRUSTED => boolean(false),
            CKA_MODULUS_BITS => number(self.content()?.public_key().bits() as CK_ULONG),
            _ => return self.key_attribute(attribute),
        })
    }

    fn private_key_attribute(&self, attribute: CK_ATTRIBUTE_TYPE) -> Bytes {
        Ok(match attribute {
            CKA_SIGN | CKA_SIGN_RECOVER | CKA_SENSITIVE => boolean(true),
            CKA_DECRYPT | CKA_UNWRAP | CKA_DECAPSULATE | CKA_EXTRACTABLE => boolean(false),
            CKA_WRAP_WITH_TRUSTED | CKA_ALWAYS_SENSITIVE | CKA_NEVER_EXTRACTABLE => boolean(false),
            CKA_ALWAYS_AUTHENTICATE => boolean(self.always_authenticate),
            CKA_PRIVATE_EXPONENT | CKA_PRIME_1 | CKA_PRIME_2 | CKA_EXPONENT_1 | CKA_EXPONENT_2 | CKA_COEFFICIENT => {
                return Err(Error::AttributeSensitive);
            }
            _ => return self.key_attribute(attribute),
        })
    }
}

fn number(value: CK_ULONG) -> Vec<u8> {
    value.to_ne_bytes().to_vec()
}

fn boolean(value: bool) -> Vec<u8> {
    vec![if value { CK_TRUE } else { CK_FALSE }]
}

/// A CK_DATE: eight digits.
fn date(date: Date) -> Vec<u8> {
    format!("{:04}{:02}{:02}", date.year, date.month, date.day).into_bytes()
}
