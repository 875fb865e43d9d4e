//! What PC/SC says of readers and what is in them (SCardGetStatusChange).

use std::ffi::CStr;
use std::time::Duration;

use pcsc::{Context, State};

use super::traits::Presence;

/// Asks for the state of readers at once. From the state "unaware" pcsc-lite answers in 9 µs; asked for changes to a
/// known state it takes more than a millisecond, even with a timeout of zero.
pub(super) fn look(context: &Context, states: &mut [pcsc::ReaderState]) -> Result<(), pcsc::Error> {
    context.get_status_change(Duration::ZERO, states)
}

/// What is in a reader.
pub(super) fn look_at(context: &Context, reader: &CStr) -> Result<pcsc::ReaderState, pcsc::Error> {
    let mut states = [pcsc::ReaderState::new(reader, State::UNAWARE)];
    look(context, &mut states)?;
    let [state] = states;
    if state.event_state().intersects(State::UNKNOWN | State::IGNORE) {
        return Err(pcsc::Error::UnknownReader);
    }
    Ok(state)
}

pub(super) fn presence_of(state: &pcsc::ReaderState) -> Presence {
    Presence { card: state.event_state().contains(State::PRESENT), events: state.event_count() }
}

/// The service's own part of an insertion's number; above it stand the restarts.
pub(super) const COUNTER_BITS: u32 = 16;
pub(super) const COUNTER_MASK: u32 = (1 << COUNTER_BITS) - 1;
