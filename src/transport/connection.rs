//! A connection to a card over PC/SC, and the card in it while a transaction lasts.

use std::ffi::{CStr, CString};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Protocols, ShareMode, Transaction};
use zeroize::Zeroizing;

use super::error::Error;
use super::pin_pad::{self, PadCommand, PinPad};
use super::status::{COUNTER_MASK, look_at, presence_of};
use super::traits::{Channel, Connection, Ending};

/// How long a card that another program keeps for itself is waited for.
pub(super) const BUSY_LIMIT: Duration = Duration::from_secs(2);
/// The pause between two tries at such a card.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// How many times a transaction is begun anew because other programs reset the card.
const RESET_LIMIT: u32 = 4;
/// A short response: 256 bytes and the status word.
const RESPONSE_MAX: usize = 258;

/// A connection over PC/SC.
pub(super) struct PcscConnection {
    /// Always there until the drop.
    card: Option<Card>,
    context: Context,
    reader: CString,
    events: u32,
    share: ShareMode,
}

impl PcscConnection {
    /// Connects to the card that was seen in `reader` with a number of `events`, waiting for other programs no longer
    /// than `patience`.
    pub(super) fn new(
        context: Context,
        reader: CString,
        events: u32,
        share: ShareMode,
        patience: Duration,
    ) -> Result<Self, Error> {
        let card = patiently(patience, || context.connect(&reader, share, Protocols::ANY))?;
        Ok(PcscConnection { card: Some(card), context, reader, events, share })
    }
}

/// Tries again for a bounded time where another program keeps the card for itself.
fn patiently<T>(limit: Duration, mut attempt: impl FnMut() -> Result<T, pcsc::Error>) -> Result<T, pcsc::Error> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(pcsc::Error::SharingViolation) if start.elapsed() < limit => sleep(BUSY_PAUSE),
            answer => return answer,
        }
    }
}

/// Fails unless the card of an insertion is in the reader still.
///
/// The handle alone does not tell: pcsc-lite marks a handle "removed" and, when the next card comes, "reset", and lets
/// it reconnect to that next card.
fn still_the_same(context: &Context, reader: &CStr, events: u32) -> Result<(), Error> {
    let now = presence_of(&look_at(context, reader)?);
    if now.card && now.events & COUNTER_MASK == events & COUNTER_MASK { Ok(()) } else { Err(Error::Removed) }
}

impl Connection for PcscConnection {
    fn events(&self) -> u32 {
        self.events
    }

    fn transact(&mut self, work: &mut dyn FnMut(&mut dyn Channel) -> Ending) -> Result<(), Error> {
        for _ in 0..RESET_LIMIT {
            let card = self.card.as_mut().ok_or(Error::Removed)?;
            match card.transaction2() {
                Ok(transaction) => {
                    let mut channel = PcscChannel { transaction: Some(transaction), ending: Ending::Leave };
                    // Looked at only now: the card may have been swapped while we waited for the transaction.
                    still_the_same(&self.context, &self.reader, self.events)?;
                    // Stands if `work` unwinds.
                    channel.ending = Ending::PowerDown;
                    channel.ending = work(&mut channel);
                    return Ok(());
                }
                // Another program reset the card, or it lost power, which ends nothing for us: no state of the card is
                // ever assumed.
                Err((card, pcsc::Error::ResetCard | pcsc::Error::UnpoweredCard))
                    if matches!(self.share, ShareMode::Shared) =>
                {
                    patiently(BUSY_LIMIT, || card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard))?
                }
                Err((_, error)) => return Err(error.into()),
            }
        }
        Err(Error::Reset)
    }
}

impl Drop for PcscConnection {
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            let disposition = match self.share {
                // To take the power from a card that is gone makes pcscd miss the next one.
                ShareMode::Exclusive if still_the_same(&self.context, &self.reader, self.events).is_ok() => {
                    Disposition::UnpowerCard
                }
                _ => Disposition::LeaveCard,
            };
            let_go(card, disposition);
        }
    }
}

/// Ends a connection. The crate resets the card when a [`Card`] is dropped, which would disturb every other program.
pub(super) fn let_go(card: Card, disposition: Disposition) {
    match card.disconnect(disposition).map_err(|(card, error)| (card, Error::from(error))) {
        // The handle is dead with the service. To drop it frees the context, and resets nothing.
        Ok(()) | Err((_, Error::ServiceGone)) => {}
        Err((card, _)) => std::mem::forget(card),
    }
}

/// The card while a transaction lasts. Dropping it ends the transaction, after a panic with the card powered down.
struct PcscChannel<'card> {
    /// Always there until the drop.
    transaction: Option<Transaction<'card>>,
    ending: Ending,
}

impl Channel for PcscChannel<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let transaction = self.transaction.as_ref().ok_or(Error::Reset)?;
        let mut buffer = Zeroizing::new([0_u8; RESPONSE_MAX]);
        with_status_word(transaction.transmit(command, buffer.as_mut_slice())?)
    }

    fn pin_pad(&mut self) -> PinPad {
        pin_pad::pad_of(&self.features())
    }

    fn type_on_pad(&mut self, command: &PadCommand) -> Result<Zeroizing<Vec<u8>>, Error> {
        let code = pin_pad::control_code(&self.features(), command.typed).ok_or(Error::NoPinPad)?;
        let transaction = self.transaction.as_ref().ok_or(Error::Reset)?;
        let mut buffer = [0; RESPONSE_MAX];
        with_status_word(transaction.control(code.into(), &command.structure(), &mut buffer)?)
    }
}

impl PcscChannel<'_> {
    /// The reader's own list of its features. Asked each time, because it costs no more than a call to the service.
    fn features(&self) -> Vec<u8> {
        let mut buffer = [0; pin_pad::FEATURES_MAX];
        let request = pcsc::ctl_code(pin_pad::FEATURE_REQUEST.into());
        let answer = self.transaction.as_ref().and_then(|card| card.control(request, &[], &mut buffer).ok());
        answer.unwrap_or_default().to_vec()
    }
}

fn with_status_word(response: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if response.len() < 2 {
        return Err(Error::Io("response without a status word"));
    }
    Ok(Zeroizing::new(response.to_vec()))
}

impl Drop for PcscChannel<'_> {
    fn drop(&mut self) {
        let disposition = match self.ending {
            Ending::Leave => Disposition::LeaveCard,
            Ending::PowerDown => Disposition::UnpowerCard,
        };
        if let Some(transaction) = self.transaction.take() {
            // Fails where the card or the service has gone, and with it the transaction.
            let _ = transaction.end(disposition);
        }
    }
}
