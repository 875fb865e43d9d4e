//! What a certificate file of the card was found to hold.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::certificate::Certificate;
use crate::card::{self, Application, CertificateFile, KeyPair};

/// The label of an Android phone's token (card-facts §2.1).
const ANDROID_LABEL: &str = "JPKIAPGPSETOKEN";

/// What is known of a certificate file.
#[derive(Clone)]
pub(super) enum CertificateState {
    Unread,
    /// It can be read only after login.
    Locked,
    Absent,
    Present(Arc<Certificate>),
}

impl CertificateState {
    /// What is known of the holder's certificate before anything was read.
    pub(super) fn unread(key_pair: KeyPair, model: &str) -> Self {
        match key_pair {
            // Single source (card-facts §6.7): if that is wrong, the certificate shows only after login.
            KeyPair::Authentication if model == ANDROID_LABEL => CertificateState::Locked,
            KeyPair::Authentication => CertificateState::Unread,
            // Confirmed (card-facts §2): it names its holder. The card is not even asked before the PIN is there.
            KeyPair::Signature => CertificateState::Locked,
        }
    }

    pub(super) fn is_locked(&self) -> bool {
        matches!(self, CertificateState::Locked)
    }

    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        match self {
            CertificateState::Present(certificate) => Some(Arc::clone(certificate)),
            _ => None,
        }
    }
}

/// Reads what a certificate file holds. The card has to say twice that there is no certificate, or none without login: one
/// odd answer must not hide a key.
///
/// # Errors
/// What went wrong on the way.
pub(super) fn read(application: &mut Application<'_>, file: CertificateFile) -> Result<CertificateState, card::Error> {
    let found = interpret(application.read_certificate(file))?;
    if found.certificate().is_none() { interpret(application.read_certificate(file)) } else { Ok(found) }
}

/// What a certificate file holds, from the attempt to read it. Only what went wrong on the way is an error.
fn interpret(answer: Result<Zeroizing<Vec<u8>>, card::Error>) -> Result<CertificateState, card::Error> {
    match answer {
        Ok(der) => match Certificate::parse(der) {
            Some(certificate) => Ok(CertificateState::Present(Arc::new(certificate))),
            None => {
                log::warn!("a certificate of the card cannot be read; it is left out");
                Ok(CertificateState::Absent)
            }
        },
        Err(card::Error::Locked) => Ok(CertificateState::Locked),
        Err(error @ (card::Error::Transport(_) | card::Error::ReadInterrupted)) => Err(error),
        Err(error @ card::Error::Refused(status)) if status.is_failure() => Err(error),
        // Missing, blank, or not a certificate (card-facts §7: what a card without one has there is not known).
        Err(_) => Ok(CertificateState::Absent),
    }
}
