//! The two PINs.

/// One of the two PINs of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinKind {
    /// The four-digit PIN of the user authentication key, EF 0018.
    Authentication,
    /// The password of the digital signature key, EF 001B.
    Signature,
}

impl PinKind {
    /// How often a wrong PIN is accepted before it is locked (card-facts §4.3).
    pub fn limit(self) -> u8 {
        match self {
            PinKind::Authentication => 3,
            PinKind::Signature => 5,
        }
    }
}
