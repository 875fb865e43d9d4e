//! The objects of a token, and who sees them (PKCS#11 3.2 §4).

use std::sync::Arc;

use cryptoki_sys::*;

use super::error::Error;
use crate::settings::Settings;
use crate::token::{Certificate, KeyPair, Token};

/// How many handles each token has to give away.
const HANDLES: CK_OBJECT_HANDLE = 16;

/// How far apart the handles of one private object are from login to login.
const LOGIN: CK_OBJECT_HANDLE = 1 << (CK_OBJECT_HANDLE::BITS / 2);

/// What an object is. The order is the one in which a search finds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PrivateKey,
    PublicKey,
    Certificate,
    CaCertificate,
    Profile(CK_PROFILE_ID),
}

/// Every kind of object that a token may have. The place in this list gives the handle.
const KINDS: [Kind; 8] = [
    Kind::PrivateKey,
    Kind::PublicKey,
    Kind::Certificate,
    Kind::CaCertificate,
    Kind::Profile(CKP_BASELINE_PROVIDER),
    Kind::Profile(CKP_EXTENDED_PROVIDER),
    Kind::Profile(CKP_AUTHENTICATION_TOKEN),
    Kind::Profile(CKP_PUBLIC_CERTIFICATES_TOKEN),
];

impl Kind {
    pub(super) fn class(self) -> CK_OBJECT_CLASS {
        match self {
            Kind::PrivateKey => CKO_PRIVATE_KEY,
            Kind::PublicKey => CKO_PUBLIC_KEY,
            Kind::Certificate | Kind::CaCertificate => CKO_CERTIFICATE,
            Kind::Profile(_) => CKO_PROFILE,
        }
    }
}

/// One object of one token.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) token: Arc<Token>,
    /// CKA_ALWAYS_AUTHENTICATE, for a private key.
    pub(super) always_authenticate: bool,
    /// The settings show CA certificates.
    shows_ca: bool,
}

impl Object {
    /// Every object that a token could have.
    pub(super) fn candidates(token: &Arc<Token>, settings: &Settings) -> impl Iterator<Item = Object> + use<> {
        let token = Arc::clone(token);
        let always = settings.always_authenticate && token.key_pair() == KeyPair::Signature;
        let shows_ca = settings.ca_certificates;
        KINDS.into_iter().map(move |kind| Object {
            kind,
            token: Arc::clone(&token),
            always_authenticate: always && kind == Kind::PrivateKey,
            shows_ca,
        })
    }

    /// Another insertion of the same card gives other handles: no handle ever comes to mean another object. So does
    /// another login for what is private: the handle from before a logout stays invalid (PKCS#11 3.2 §5.6.10).
    pub(super) fn handle(&self) -> CK_OBJECT_HANDLE {
        let place = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or(0);
        let logins = if self.is_private() { self.token.logins() } else { 0 };
        let token = self.token.number() as CK_OBJECT_HANDLE * HANDLES;
        token + place as CK_OBJECT_HANDLE + LOGIN.wrapping_mul(logins as CK_OBJECT_HANDLE)
    }

    /// CKA_PRIVATE: seen only after login.
    pub(super) fn is_private(&self) -> bool {
        match self.kind {
            Kind::PrivateKey => true,
            Kind::PublicKey | Kind::Certificate => self.token.certificate_is_private(),
            Kind::CaCertificate | Kind::Profile(_) => false,
        }
    }

    /// The certificate that the object is, or that certifies it.
    ///
    /// # Errors
    /// Those of reading it from the card.
    pub(super) fn certificate(&self) -> Result<Option<Arc<Certificate>>, Error> {
        match self.kind {
            Kind::PrivateKey | Kind::PublicKey | Kind::Certificate => Ok(self.token.certificate()?),
            Kind::CaCertificate => Ok(self.token.ca_certificate()?),
            Kind::Profile(_) => Ok(None),
        }
    }

    /// Whether a session sees the object now. Reads the holder's certificate if that decides; a CA certificate counts as
    /// there until somebody wants to know what is in it.
    ///
    /// # Errors
    /// Those of reading the card.
    pub(super) fn is_visible(&self) -> Result<bool, Error> {
        if self.is_private() && !self.token.is_logged_in() {
            return Ok(false);
        }
        Ok(match self.kind {
            // If the attempt to read it has shown that it is private after all, there is nothing without login.
            Kind::PrivateKey | Kind::PublicKey | Kind::Certificate => self.token.certificate()?.is_some(),
            Kind::CaCertificate => self.shows_ca && !self.token.lacks_ca_certificate(),
            // A token whose certificate is private must not say the opposite.
            Kind::Profile(CKP_PUBLIC_CERTIFICATES_TOKEN) => {
                self.token.key_pair() == KeyPair::Authentication && !self.token.certificate_is_private()
            }
            Kind::Profile(_) => true,
        })
    }
}
