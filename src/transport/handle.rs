//! A PC/SC handle to a card that leaves the card alone when it is dropped.

use pcsc::{Card, Disposition};

use super::error::Error;

/// An open handle (SCARDHANDLE). The crate's own [`Card`] resets the card when it is dropped, which would disturb every
/// other program.
pub(super) struct Handle {
    /// `None` only while the handle is dropped: to disconnect consumes the card.
    card: Option<Card>,
    /// What becomes of the card at the end.
    disposition: Disposition,
}

impl Handle {
    /// Takes over an open connection.
    pub(super) fn new(card: Card) -> Self {
        Handle { card: Some(card), disposition: Disposition::LeaveCard }
    }

    /// The connection.
    ///
    /// # Errors
    /// Never, as long as the handle lives.
    pub(super) fn card(&mut self) -> Result<&mut Card, Error> {
        self.card.as_mut().ok_or(Error::Removed)
    }

    /// Powers the card down when the handle is dropped.
    pub(super) fn power_down_at_end(&mut self) {
        self.disposition = Disposition::UnpowerCard;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let Some(card) = self.card.take() else { return };
        match card.disconnect(self.disposition).map_err(|(card, error)| (card, Error::from(error))) {
            // The handle died with the service. To drop the card frees the context, and resets nothing.
            Ok(()) | Err((_, Error::ServiceGone)) => {}
            Err((card, _)) => std::mem::forget(card),
        }
    }
}
