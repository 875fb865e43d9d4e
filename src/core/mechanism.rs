//! The mechanisms: one table, from which lists, infos and operations come (PKCS#11 3.2 §6.1, §6.20 to §6.24).

use std::fmt;

use cryptoki_sys::*;
use rsa::Pkcs1v15Sign;
use sha1::Sha1;
use sha2::digest::{Digest as _, DynDigest};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::error::Error;
use super::names;
use crate::token::{RAW_INPUT_MAX, Scheme};

/// Both keys of every card so far are RSA keys of this size (card-facts §6.1).
const KEY_BITS: CK_ULONG = 2048;

/// A mechanism as a program asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mechanism {
    /// CKM_…
    pub kind: CK_MECHANISM_TYPE,
    /// What came with it.
    pub parameter: Parameter,
}

/// The parameter of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// None.
    None,
    /// CK_RSA_PKCS_PSS_PARAMS.
    Pss(PssParameters),
    /// Something that no mechanism here takes.
    Other,
}

/// CK_RSA_PKCS_PSS_PARAMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PssParameters {
    /// The hash of the message.
    pub hash: CK_MECHANISM_TYPE,
    /// The mask generation function.
    pub mask: CK_RSA_PKCS_MGF_TYPE,
    /// The length of the salt in bytes.
    pub salt: CK_ULONG,
}

impl fmt::Display for PssParameters {
    /// In the names of the standard.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PssParameters { hash, mask, salt } = *self;
        write!(f, "hashAlg {}, mgf {}, sLen {salt}", names::mechanism(hash), names::mask(mask))
    }
}

/// The only PSS the card knows: SHA-256, MGF1-SHA-256, 32 bytes of salt (card-facts §5, P1 = 04).
const CARD_PSS: PssParameters = PssParameters { hash: CKM_SHA256, mask: CKG_MGF1_SHA256, salt: 32 };

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// A hash in the making.
pub(super) type Hasher = Box<dyn DynDigest + Send>;

impl Hash {
    pub(super) fn start(self) -> Hasher {
        match self {
            Hash::Sha1 => Box::new(Sha1::new()),
            Hash::Sha224 => Box::new(Sha224::new()),
            Hash::Sha256 => Box::new(Sha256::new()),
            Hash::Sha384 => Box::new(Sha384::new()),
            Hash::Sha512 => Box::new(Sha512::new()),
        }
    }

    /// What stands before the hash in a DigestInfo (RFC 8017 §9.2, note 1).
    fn digest_info_prefix(self) -> Box<[u8]> {
        match self {
            Hash::Sha1 => Pkcs1v15Sign::new::<Sha1>().prefix,
            Hash::Sha224 => Pkcs1v15Sign::new::<Sha224>().prefix,
            Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>().prefix,
            Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>().prefix,
            Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>().prefix,
        }
    }
}

/// How a signature mechanism turns a message into what the card signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signing {
    pub(super) scheme: Scheme,
    /// `None` if the program hashes the message itself.
    pub(super) hash: Option<Hash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Sign(Signing),
    Digest(Hash),
}

const fn sign(scheme: Scheme, hash: Option<Hash>) -> Use {
    Use::Sign(Signing { scheme, hash })
}

/// Every mechanism of the module.
const TABLE: [(CK_MECHANISM_TYPE, Use); 13] = [
    (CKM_RSA_PKCS, sign(Scheme::Pkcs1, None)),
    (CKM_SHA1_RSA_PKCS, sign(Scheme::Pkcs1, Some(Hash::Sha1))),
    (CKM_SHA224_RSA_PKCS, sign(Scheme::Pkcs1, Some(Hash::Sha224))),
    (CKM_SHA256_RSA_PKCS, sign(Scheme::Pkcs1, Some(Hash::Sha256))),
    (CKM_SHA384_RSA_PKCS, sign(Scheme::Pkcs1, Some(Hash::Sha384))),
    (CKM_SHA512_RSA_PKCS, sign(Scheme::Pkcs1, Some(Hash::Sha512))),
    (CKM_RSA_PKCS_PSS, sign(Scheme::PssSha256, None)),
    (CKM_SHA256_RSA_PKCS_PSS, sign(Scheme::PssSha256, Some(Hash::Sha256))),
    (CKM_SHA_1, Use::Digest(Hash::Sha1)),
    (CKM_SHA224, Use::Digest(Hash::Sha224)),
    (CKM_SHA256, Use::Digest(Hash::Sha256)),
    (CKM_SHA384, Use::Digest(Hash::Sha384)),
    (CKM_SHA512, Use::Digest(Hash::Sha512)),
];

fn look_up(kind: CK_MECHANISM_TYPE, pss: bool) -> Result<Use, Error> {
    let known = |usage: &Use| pss || !matches!(usage, Use::Sign(Signing { scheme: Scheme::PssSha256, .. }));
    let entry = TABLE.iter().find(|(other, usage)| *other == kind && known(usage));
    entry.map(|(_, usage)| *usage).ok_or(Error::MechanismInvalid)
}

/// All mechanisms of a token, whose card knows PSS or does not.
pub(super) fn all(pss: bool) -> Vec<CK_MECHANISM_TYPE> {
    TABLE.iter().map(|(kind, _)| *kind).filter(|kind| look_up(*kind, pss).is_ok()).collect()
}

/// CK_MECHANISM_INFO.
///
/// # Errors
/// [`Error::MechanismInvalid`].
pub(super) fn info(kind: CK_MECHANISM_TYPE, pss: bool) -> Result<CK_MECHANISM_INFO, Error> {
    Ok(match look_up(kind, pss)? {
        Use::Sign(_) => {
            let recover = if kind == CKM_RSA_PKCS { CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER } else { 0 };
            let flags = CKF_HW | CKF_SIGN | CKF_VERIFY | recover;
            CK_MECHANISM_INFO { ulMinKeySize: KEY_BITS, ulMaxKeySize: KEY_BITS, flags }
        }
        Use::Digest(_) => CK_MECHANISM_INFO { ulMinKeySize: 0, ulMaxKeySize: 0, flags: CKF_DIGEST },
    })
}

/// The signature mechanisms, with or without PSS.
pub(super) fn signing(pss: bool) -> impl Iterator<Item = CK_MECHANISM_TYPE> {
    let kinds = TABLE.iter().map(|(kind, _)| *kind);
    kinds.filter(move |kind| matches!(look_up(*kind, pss), Ok(Use::Sign(_))))
}

impl Mechanism {
    /// What the mechanism means for signing and verifying.
    ///
    /// # Errors
    /// [`Error::MechanismInvalid`] for one that the token does not have, [`Error::MechanismParamInvalid`] for a PSS
    /// that the card cannot do.
    pub(super) fn signing(self, pss: bool) -> Result<Signing, Error> {
        self.as_signing(pss).inspect_err(|error| match error {
            Error::MechanismParamInvalid => log::info!("{}", self.refused_parameter()),
            _ => self.log_refused(signing(pss)),
        })
    }

    fn as_signing(self, pss: bool) -> Result<Signing, Error> {
        let Use::Sign(signing) = look_up(self.kind, pss)? else { return Err(Error::MechanismInvalid) };
        let wanted = match signing.scheme {
            Scheme::Pkcs1 => Parameter::None,
            Scheme::PssSha256 => Parameter::Pss(CARD_PSS),
        };
        if self.parameter == wanted { Ok(signing) } else { Err(Error::MechanismParamInvalid) }
    }

    /// The hash function that the mechanism is.
    ///
    /// # Errors
    /// [`Error::MechanismInvalid`], [`Error::MechanismParamInvalid`].
    pub(super) fn digest(self) -> Result<Hash, Error> {
        self.as_digest().inspect_err(|error| match error {
            Error::MechanismParamInvalid => log::info!("{}", self.refused_parameter()),
            _ => self
                .log_refused(TABLE.iter().filter(|(_, usage)| matches!(usage, Use::Digest(_))).map(|(kind, _)| *kind)),
        })
    }

    fn as_digest(self) -> Result<Hash, Error> {
        let Use::Digest(hash) = look_up(self.kind, true)? else { return Err(Error::MechanismInvalid) };
        if self.parameter == Parameter::None { Ok(hash) } else { Err(Error::MechanismParamInvalid) }
    }

    /// Says in the log that the token does not have the mechanism for what was asked, and which it has. A program shows its
    /// user no more than "mechanism invalid".
    pub(super) fn log_refused(self, known: impl Iterator<Item = CK_MECHANISM_TYPE>) {
        let known = known.map(names::mechanism).collect::<Vec<_>>().join(", ");
        log::info!(
            "the program asked for the mechanism {} (number {:#x}), which the token does not have for this; it has {known}",
            names::mechanism(self.kind),
            self.kind
        );
    }

    /// What was asked for with a parameter that the mechanism does not take, and what can be had.
    fn refused_parameter(self) -> String {
        let asked = match self.parameter {
            Parameter::None => "no parameter".to_owned(),
            Parameter::Pss(parameters) => parameters.to_string(),
            Parameter::Other => "a parameter of another kind".to_owned(),
        };
        let can = match look_up(self.kind, true) {
            Ok(Use::Sign(Signing { scheme: Scheme::PssSha256, .. })) => format!("the card can do only {CARD_PSS}"),
            _ => "it takes none".to_owned(),
        };
        format!("the program asked for {} with {asked}; {can}", names::mechanism(self.kind))
    }
}

/// A message on its way to being signed or verified: hashed as it comes, or collected if the program hashes itself.
pub(super) struct Message {
    signing: Signing,
    hasher: Option<Hasher>,
    collected: Zeroizing<Vec<u8>>,
    /// The message came in parts.
    pub(super) in_parts: bool,
}

impl Message {
    pub(super) fn new(signing: Signing) -> Self {
        let hasher = signing.hash.map(Hash::start);
        Message { signing, hasher, collected: Zeroizing::new(Vec::new()), in_parts: false }
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.signing.scheme
    }

    /// Adds a part.
    ///
    /// # Errors
    /// [`Error::DataLenRange`] if the mechanism hashes nothing and the parts are more than it can sign; then also
    /// [`Error::HostMemory`].
    pub(super) fn add(&mut self, part: &[u8]) -> Result<(), Error> {
        match &mut self.hasher {
            Some(hasher) => hasher.update(part),
            None if self.collected.len() + part.len() > RAW_INPUT_MAX => return Err(Error::DataLenRange),
            None => {
                self.collected.try_reserve(part.len()).map_err(|_| Error::HostMemory)?;
                self.collected.extend_from_slice(part);
            }
        }
        Ok(())
    }

    /// What the card is to sign.
    ///
    /// # Errors
    /// [`Error::DataLenRange`] if the program's own hash has a length that the scheme cannot take.
    pub(super) fn finish(self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let Message { signing: Signing { scheme, hash }, hasher, collected, .. } = self;
        let Some((hash, hasher)) = hash.zip(hasher) else {
            let fits = match scheme {
                Scheme::Pkcs1 => (1..=RAW_INPUT_MAX).contains(&collected.len()),
                Scheme::PssSha256 => collected.len() == 32,
            };
            return if fits { Ok(collected) } else { Err(Error::DataLenRange) };
        };
        let mut input = Zeroizing::new(Vec::new());
        if scheme == Scheme::Pkcs1 {
            input.extend_from_slice(&hash.digest_info_prefix());
        }
        input.extend_from_slice(&hasher.finalize());
        Ok(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn plain(kind: CK_MECHANISM_TYPE) -> Mechanism {
        Mechanism { kind, parameter: Parameter::None }
    }

    #[test]
    fn a_parameter_is_the_one_that_the_mechanism_takes() {
        let pss = |parameter| Mechanism { kind: CKM_RSA_PKCS_PSS, parameter }.signing(true).map(|_| ());
        assert_eq!(pss(Parameter::Pss(CARD_PSS)), Ok(()));
        let other = PssParameters { salt: 20, ..CARD_PSS };
        for wrong in [Parameter::None, Parameter::Other, Parameter::Pss(other)] {
            assert_eq!(pss(wrong), Err(Error::MechanismParamInvalid), "{wrong:?}");
        }
        for kind in [CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS] {
            let with = Mechanism { kind, parameter: Parameter::Pss(CARD_PSS) };
            assert_eq!(with.signing(true).map(|_| ()), Err(Error::MechanismParamInvalid));
        }
        assert_eq!(plain(CKM_SHA256).signing(true).map(|_| ()), Err(Error::MechanismInvalid));
        assert_eq!(plain(CKM_RSA_PKCS).digest(), Err(Error::MechanismInvalid));
        let card_without = Mechanism { kind: CKM_RSA_PKCS_PSS, parameter: Parameter::Pss(CARD_PSS) }.signing(false);
        assert_eq!(card_without.map(|_| ()), Err(Error::MechanismInvalid));
    }

    #[test]
    fn a_message_in_parts_is_the_whole() {
        for kind in [CKM_SHA1_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA512_RSA_PKCS, CKM_RSA_PKCS] {
            let signing = plain(kind).signing(true).unwrap();
            let (mut whole, mut parts) = (Message::new(signing), Message::new(signing));
            whole.add(b"abc").unwrap();
            for part in [&b"a"[..], b"", b"bc"] {
                parts.add(part).unwrap();
            }
            assert_eq!(whole.finish().unwrap(), parts.finish().unwrap(), "{kind:#x}");
        }
    }

    #[test]
    fn what_is_not_hashed_has_a_longest_length() {
        let signing = plain(CKM_RSA_PKCS).signing(true).unwrap();
        let mut message = Message::new(signing);
        message.add(&[1; RAW_INPUT_MAX - 1]).unwrap();
        message.add(&[2]).unwrap();
        assert_eq!(message.add(&[3]), Err(Error::DataLenRange));
        assert_eq!(message.finish().unwrap().len(), RAW_INPUT_MAX);
        assert_eq!(Message::new(signing).finish().map(|_| ()), Err(Error::DataLenRange), "nothing cannot be signed");
    }
}
