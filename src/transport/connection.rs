//! A connection to a card over PC/SC, and the card in it during a transaction.

use std::ffi::{CStr, CString};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pcsc::{Context, Disposition, Protocols, ShareMode, Transaction};
use zeroize::Zeroizing;

use super::error::Error;
use super::handle::Handle;
use super::pin_pad::{self, PadCommand, PinPad};
use super::status::{COUNTER_MASK, presence_of, read_state};
use super::traits::{Channel, Connection, Ending};

/// How long a connection waits for a card that another program keeps for itself.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause between two tries at such a card.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// How many times a transaction begins anew because other programs reset the card.
const RESET_LIMIT: u32 = 4;
/// How many times a power-down is tried after the end of a transaction has failed.
const POWER_DOWN_TRIES: u32 = 5;
/// The length of a short response: 256 bytes and the status word.
const RESPONSE_MAX: usize = 258;

/// A connection over PC/SC.
pub(super) struct PcscConnection {
    handle: Handle,
    context: Context,
    reader: CString,
    events: u32,
    share: ShareMode,
}

impl PcscConnection {
    /// Connects to the card that was seen in `reader` with this number of `events`. Waits for other programs no longer
    /// than `timeout`.
    pub(super) fn new(
        context: Context,
        reader: CString,
        events: u32,
        share: ShareMode,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let card = retry_while_busy(timeout, || context.connect(&reader, share, Protocols::ANY))?;
        Ok(PcscConnection { handle: Handle::new(card), context, reader, events, share })
    }
}

/// Repeats an attempt while another program keeps the card for itself, for a bounded time.
fn retry_while_busy<T>(
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<T, pcsc::Error>,
) -> Result<T, pcsc::Error> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(pcsc::Error::SharingViolation) if start.elapsed() < timeout => sleep(BUSY_PAUSE),
            answer => return answer,
        }
    }
}

/// Fails unless the card of this insertion is still in the reader.
///
/// The handle alone does not show it: pcsc-lite marks a handle "removed", and "reset" when the next card comes, and lets
/// the handle reconnect to that next card.
fn check_same_card(context: &Context, reader: &CStr, events: u32) -> Result<(), Error> {
    let now = presence_of(&read_state(context, reader)?);
    if now.card && now.events & COUNTER_MASK == events & COUNTER_MASK { Ok(()) } else { Err(Error::Removed) }
}

impl Connection for PcscConnection {
    fn events(&self) -> u32 {
        self.events
    }

    fn transact(&mut self, work: &mut dyn FnMut(&mut dyn Channel) -> Ending) -> Result<(), Error> {
        for _ in 0..RESET_LIMIT {
            match self.handle.card()?.transaction2() {
                Ok(transaction) => {
                    let share = self.share;
                    let mut channel = PcscChannel { transaction: Some(transaction), share, ending: Ending::Leave };
                    // Only now: somebody may have swapped the card while we waited for the transaction.
                    check_same_card(&self.context, &self.reader, self.events)?;
                    // Stands if `work` unwinds.
                    channel.ending = Ending::PowerDown;
                    channel.ending = work(&mut channel);
                    return Ok(());
                }
                // Another program reset the card, or the card lost power. We lose nothing by it, because we never assume
                // any state of the card.
                Err((card, pcsc::Error::ResetCard | pcsc::Error::UnpoweredCard))
                    if matches!(self.share, ShareMode::Shared) =>
                {
                    retry_while_busy(BUSY_TIMEOUT, || {
                        card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)
                    })?;
                }
                Err((_, error)) => return Err(error.into()),
            }
        }
        Err(Error::Reset)
    }
}

impl Drop for PcscConnection {
    fn drop(&mut self) {
        // pcscd misses the next card if we take the power from one that is gone.
        let exclusive = matches!(self.share, ShareMode::Exclusive);
        if exclusive && check_same_card(&self.context, &self.reader, self.events).is_ok() {
            self.handle.power_down_at_end();
        }
    }
}

/// The card during a transaction. To drop it ends the transaction; after a panic the card is powered down.
struct PcscChannel<'card> {
    /// `None` only while the channel is dropped: to end the transaction consumes it.
    transaction: Option<Transaction<'card>>,
    share: ShareMode,
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
    /// The reader's own list of its features. We ask each time, because it costs no more than a call to the service.
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
        let Some(transaction) = self.transaction.take() else { return };
        let disposition = match self.ending {
            Ending::Leave => Disposition::LeaveCard,
            Ending::PowerDown => Disposition::UnpowerCard,
        };
        let Err((transaction, error)) = transaction.end(disposition) else { return };
        match (self.ending, Error::from(error)) {
            // The card or the service is gone, and the transaction with it.
            (Ending::Leave, _) | (_, Error::Removed | Error::NoReader | Error::ServiceGone) => {}
            // For one, another program has reset the card.
            (Ending::PowerDown, error) => {
                log::debug!("the transaction could not end with a power-down: {error}");
                power_down(transaction, self.share);
            }
        }
    }
}

/// Powers the card down in another way: a reset locks it no more than leaving it does (card-facts §4.5).
fn power_down(mut transaction: Transaction<'_>, share: ShareMode) {
    for _ in 0..POWER_DOWN_TRIES {
        match transaction.reconnect(share, Protocols::ANY, Disposition::UnpowerCard) {
            Ok(()) => return,
            Err(error) => match Error::from(error) {
                Error::Removed | Error::NoReader | Error::ServiceGone => return,
                _ => sleep(BUSY_PAUSE),
            },
        }
    }
    log::error!("the card could not be locked: take it out of the reader");
}
