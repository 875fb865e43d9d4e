//! What the card's keys are for: signatures; and the card's random numbers.

use zeroize::Zeroizing;

use super::error::Error;
use super::jpki_token::Token;
use super::link::Share;
use crate::card::{self, Scheme};

/// The most random bytes of one GET CHALLENGE (card-facts §1.4).
const CHALLENGE_MAX: usize = 256;

impl Token {
    /// Signs `input` with the private key and checks the signature before it is given out.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] if nobody is, or if the card refuses the held PIN, which is dropped then;
    /// [`Error::WrongSignature`], [`Error::UnknownScheme`], [`Error::NoKey`].
    pub fn sign(&self, scheme: Scheme, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let certificate = self.certificate()?.ok_or(Error::NoKey)?;
        let signature = self.card.work(Share::AsItIs, |application| {
            self.unlock(application)?;
            let answer = application.sign(self.key_pair(), scheme, input);
            if scheme == Scheme::PssSha256 && matches!(answer, Err(card::Error::UnknownScheme)) {
                self.card.record_no_pss();
            }
            self.still_unlocked(answer.map_err(Error::from))
        })?;
        certificate.public_key().check(scheme, input, &signature)?;
        Ok(signature)
    }

    /// Random bytes from the card.
    ///
    /// # Errors
    /// [`Error::HostMemory`], and those of talking to the card.
    pub fn random(&self, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut bytes = Zeroizing::new(Vec::new());
        bytes.try_reserve_exact(length).map_err(|_| Error::HostMemory)?;
        while bytes.len() < length {
            let wanted = (length - bytes.len()).min(CHALLENGE_MAX);
            bytes.extend_from_slice(&self.card.work(Share::AsItIs, |application| Ok(application.challenge(wanted)?))?);
        }
        Ok(bytes)
    }
}
