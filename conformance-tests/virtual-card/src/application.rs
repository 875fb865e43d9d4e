//! What can be selected on the card.

/// An application of the card, as selected by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// What is selected when power comes on.
    IssuerSecurityDomain,
    /// The public personal authentication application.
    Jpki,
    /// The common application (共通カードAP), which holds the number of the card.
    Common,
}
