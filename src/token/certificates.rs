//! The certificates of a token: read when somebody asks for them, once for each insertion of the card.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::certificate::Certificate;
use super::certificate_file::{self, CertificateState};
use super::error::Error;
use super::jpki_token::Token;
use super::link::Share;
use crate::card::{self, Application, CertificateFile};

impl Token {
    /// The holder's certificate: `None` if there is none, or if it cannot be read before login.
    ///
    /// # Errors
    /// Those of talking to the card; they are not remembered.
    pub fn certificate(&self) -> Result<Option<Arc<Certificate>>, Error> {
        let state = self.certificate.lock().clone();
        match state {
            CertificateState::Present(_) | CertificateState::Absent => return Ok(state.certificate()),
            CertificateState::Locked if !self.is_logged_in() => return Ok(None),
            CertificateState::Locked => self.card.work(Share::AsItIs, |application| {
                self.unlock(application)?;
                let mut answer = self.read_certificate(application);
                // Still locked after a login at the PIN pad: the card does not hold the PIN as verified any more.
                if answer.is_ok() && self.is_on_card() && self.certificate.lock().is_locked() {
                    answer = Err(Error::Card(card::Error::Locked));
                }
                self.still_unlocked(answer)
            })?,
            CertificateState::Unread => {
                self.card.work(Share::AsItIs, |application| self.read_certificate(application))?;
            }
        }
        Ok(self.certificate.lock().certificate())
    }

    /// The holder's certificate and public key are private objects: the card gives them only after login. Known for
    /// sure after [`Self::certificate`] was asked for.
    #[must_use]
    pub fn certificate_is_private(&self) -> bool {
        self.private.load(Ordering::Relaxed)
    }

    /// The CA's certificate: `None` if the card has none.
    ///
    /// # Errors
    /// Those of talking to the card; they are not remembered.
    pub fn ca_certificate(&self) -> Result<Option<Arc<Certificate>>, Error> {
        let mut state = self.ca_certificate.lock();
        if let CertificateState::Unread = *state {
            let file = CertificateFile::Ca(self.key_pair());
            self.card.work(Share::AsItIs, |application| {
                let found = certificate_file::read(application, file)?;
                self.remember(found, &mut state);
                Ok(())
            })?;
        }
        Ok(state.certificate())
    }

    /// The card was found to have no CA certificate. Unlike [`Self::ca_certificate`] this asks the card nothing.
    #[must_use]
    pub fn lacks_ca_certificate(&self) -> bool {
        matches!(*self.ca_certificate.lock(), CertificateState::Absent | CertificateState::Locked)
    }

    pub(super) fn read_certificate(&self, application: &mut Application<'_>) -> Result<(), Error> {
        let file = CertificateFile::EndEntity(self.key_pair());
        let found = certificate_file::read(application, file)?;
        let mut state = self.certificate.lock();
        self.remember(found, &mut state);
        if state.is_locked() {
            self.private.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Remembers what a certificate file holds. While the card is kept, it does not remember that the file holds nothing:
    /// perhaps the application is not selected any more.
    fn remember(&self, found: CertificateState, state: &mut CertificateState) {
        if found.certificate().is_some() || !self.card.has_pad_login() {
            *state = found;
        }
    }
}
