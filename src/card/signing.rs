//! COMPUTE DIGITAL SIGNATURE and GET CHALLENGE (card-facts §5, §1.4).

use zeroize::Zeroizing;

use super::apdu::{Command, RESPONSE_DATA_MAX};
use super::application::Application;
use super::error::Error;
use super::files::{CertificateFile, KeyPair};
use super::status_word::StatusWord;

/// The most bytes the card signs verbatim: a 256-byte modulus less PKCS#1's eleven (card-facts §5, P1 = 00).
pub const RAW_INPUT_MAX: usize = 245;

/// What we ask a card to sign that should be locked. No DigestInfo, so no protocol would take the signature.
const LOCK_PROBE: &[u8] = b"jpki-pkcs11: is this card locked?";

/// How the card signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// PKCS#1 v1.5 padding around 1 to 245 bytes, which are taken as they are (P1 = 00; confirmed).
    Pkcs1,
    /// RSASSA-PSS over a SHA-256 hash of 32 bytes, with MGF1-SHA-256 and a salt of 32 bytes (P1 = 04; single source).
    PssSha256,
}

impl Scheme {
    fn p1(self) -> u8 {
        match self {
            Scheme::Pkcs1 => 0x00,
            Scheme::PssSha256 => 0x04,
        }
    }
}

impl Application<'_> {
    /// Signs with one of the keys, whose PIN was verified before. Says nothing of whether the signature is right.
    ///
    /// # Errors
    /// [`Error::Locked`] if the PIN was not verified, [`Error::UnknownScheme`] if the card does not know the
    /// scheme.
    pub fn sign(&mut self, key_pair: KeyPair, scheme: Scheme, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let ef = key_pair.private_key();
        let compute = |p2| Command::new(0x80, 0x2A, scheme.p1(), p2).data(input);
        let short = compute(ef.short())?.wanting(RESPONSE_DATA_MAX);
        let current = compute(0x80)?.wanting(RESPONSE_DATA_MAX);
        let response = self.send_about(ef, &short, &current)?;
        if response.status == StatusWord::WRONG_PARAMETERS {
            return Err(Error::UnknownScheme);
        }
        response.success()
    }

    /// Random bytes from the card, 1 to 256 of them.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the card gives another number of bytes.
    pub fn challenge(&mut self, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let bytes = Command::new(0x00, 0x84, 0x00, 0x00).wanting(length).send(self.channel)?.success()?;
        if bytes.len() == length { Ok(bytes) } else { Err(Error::Malformed("a challenge of a wrong length")) }
    }

    /// Whether a key is locked: the check that leaving the card has locked it. `None` if the card does not say.
    ///
    /// The signing key signs nothing for this: its certificate is behind the same PIN, and one byte of it is read.
    ///
    /// # Errors
    /// Transport errors.
    pub fn is_locked(&mut self, key_pair: KeyPair) -> Result<Option<bool>, Error> {
        let answer = match key_pair {
            KeyPair::Authentication => self.sign(key_pair, Scheme::Pkcs1, LOCK_PROBE),
            KeyPair::Signature => self.read_start(CertificateFile::EndEntity(key_pair).ef(), 1),
        };
        match answer {
            Ok(_) => Ok(Some(false)),
            Err(Error::Locked) => Ok(Some(true)),
            Err(error @ Error::Transport(_)) => Err(error),
            Err(_) => Ok(None),
        }
    }
}
