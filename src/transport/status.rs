//! The state of readers, as SCardGetStatusChange gives it.

use std::ffi::CStr;
use std::time::Duration;

use pcsc::{Context, State};

use super::traits::Presence;

/// The bits of an insertion's number that PC/SC counts. The bits above count the restarts of the service.
pub(super) const COUNTER_BITS: u32 = 16;
/// Selects those bits.
pub(super) const COUNTER_MASK: u32 = (1 << COUNTER_BITS) - 1;

/// Reads the state of readers at once. From the state "unaware" pcsc-lite answers in 9 µs. Asked for a change of a known
/// state it takes more than a millisecond, even with a timeout of zero.
pub(super) fn read_states(context: &Context, states: &mut [pcsc::ReaderState]) -> Result<(), pcsc::Error> {
    context.get_status_change(Duration::ZERO, states)
}

/// Reads the state of one reader.
pub(super) fn read_state(context: &Context, reader: &CStr) -> Result<pcsc::ReaderState, pcsc::Error> {
    let mut states = [pcsc::ReaderState::new(reader, State::UNAWARE)];
    read_states(context, &mut states)?;
    let [state] = states;
    if state.event_state().intersects(State::UNKNOWN | State::IGNORE) {
        return Err(pcsc::Error::UnknownReader);
    }
    Ok(state)
}

/// What a state says of the card.
pub(super) fn presence_of(state: &pcsc::ReaderState) -> Presence {
    Presence { card: state.event_state().contains(State::PRESENT), events: state.event_count() }
}
