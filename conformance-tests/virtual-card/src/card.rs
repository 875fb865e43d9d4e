//! The card as a reader sees it: power, state, the record of commands and answers, and faults on demand.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem, thread};

use crate::apdu::{Command, Status, response};
use crate::file_system::{FileSystem, SIGN_CERTIFICATE};
use crate::pin_kind::PinKind;
use crate::pins::Pins;
use crate::{Application, Exchange, Identity, Options};

/// How many exchanges the record keeps at most; then the older half is dropped.
const RECORD_LIMIT: usize = 20_000;

/// What a contact reader reports (card-facts §1.1).
const CONTACT_ATR: [u8; 9] = [0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];

/// What a contactless reader makes up (card-facts §1.1).
const CONTACTLESS_ATR: [u8; 13] = [0x3B, 0x88, 0x80, 0x01, 0x00, 0x00, 0x05, 0xE0, 0xB3, 0x81, 0xA1, 0x00, 0x7F];

/// A virtual card: what a reader holds.
pub struct Card {
    pub(crate) identity: Arc<Identity>,
    pub(crate) options: Options,
    pub(crate) files: FileSystem,
    pub(crate) pins: Pins,
    pub(crate) application: Application,
    pub(crate) file: Option<u16>,
    pub(crate) corrupt_signatures: bool,
    powered: bool,
    fresh: bool,
    mute: bool,
    fault: Option<Fault>,
    matching_fault: Option<MatchingFault>,
    exchanges: Vec<Exchange>,
    apdu_count: usize,
    byte_count: usize,
}

/// The next commands are answered with a status word.
struct Fault {
    count: u32,
    status_word: u16,
}

/// The next commands with an instruction are answered with given bytes.
struct MatchingFault {
    ins: u8,
    count: u32,
    response: Vec<u8>,
}

impl Card {
    /// A card without power.
    pub fn new(identity: Arc<Identity>, options: Options) -> Card {
        Card {
            files: FileSystem::new(&identity, &options),
            pins: Pins::new(&options),
            identity,
            options,
            application: Application::IssuerSecurityDomain,
            file: None,
            corrupt_signatures: false,
            powered: false,
            fresh: false,
            mute: false,
            fault: None,
            matching_fault: None,
            exchanges: Vec::new(),
            apdu_count: 0,
            byte_count: 0,
        }
    }

    /// The answer to reset; `None` from a card that does not answer to power.
    pub fn atr(&self) -> Option<Vec<u8>> {
        match &self.options.atr {
            _ if self.options.unresponsive => None,
            Some(atr) => Some(atr.clone()),
            None if self.options.contactless => Some(CONTACTLESS_ATR.to_vec()),
            None => Some(CONTACT_ATR.to_vec()),
        }
    }

    /// What GET DATA 5F51 answers in any reader (card-facts §1.4).
    pub(crate) fn contact_atr_without_ts(&self) -> &[u8] {
        let [_, rest @ ..] = &CONTACT_ATR;
        rest
    }

    /// Power comes on. It has no effect if the card has power, or if the card cannot get any.
    pub fn power_on(&mut self) {
        if !self.powered && !self.options.unresponsive {
            self.power_off();
            self.powered = true;
            self.fresh = true;
        }
    }

    /// Power is cut: nothing is selected or verified any more.
    pub fn power_off(&mut self) {
        self.powered = false;
        self.enter(Application::IssuerSecurityDomain);
        self.pins.clear_verified();
    }

    /// A warm reset. It changes nothing: verified PINs outlive it (card-facts §4.5: measured by one author, probably on
    /// a contactless reader), and the selection stays (a guess: a card without the selected application could hardly
    /// keep its PINs verified). With [`Options::warm_reset_clears`] it is a power cycle.
    pub fn reset(&mut self) {
        if self.options.warm_reset_clears {
            self.power_off();
        }
        self.power_on();
    }

    /// Whether the card has power.
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    /// The answer to one command; `None` without power, or while the card is mute. Takes the time that the options set
    /// for the link and for signing.
    pub fn transmit(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        if !self.powered || self.mute {
            return None;
        }
        let secret = self.reads_sign_certificate(command);
        let answer = self.answer(command);
        self.take_time(command.len() + answer.len());
        self.record(Exchange::new(command, &answer, secret));
        Some(answer)
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let fresh = mem::take(&mut self.fresh);
        if let Some(fault) = self.fault.as_mut().filter(|fault| fault.count > 0) {
            fault.count -= 1;
            return fault.status_word.to_be_bytes().to_vec();
        }
        let fault = self.matching_fault.as_mut();
        if let Some(fault) = fault.filter(|f| f.count > 0 && command.get(1) == Some(&f.ins)) {
            fault.count -= 1;
            return fault.response.clone();
        }
        if fresh && self.options.first_command_6f00 {
            return response(Err(Status::INTERNAL));
        }
        response(Command::parse(command).and_then(|command| self.execute(&command)))
    }

    /// Selects an application, and no file in it.
    pub(crate) fn enter(&mut self, application: Application) {
        self.application = application;
        self.file = None;
    }

    fn take_time(&self, bytes: usize) {
        if let Some(speed) = self.options.speed.filter(|&speed| speed > 0) {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            thread::sleep(Duration::from_secs(1) * bytes / speed);
        }
    }

    /// Whether the answer to this command would come from the signature certificate's file.
    fn reads_sign_certificate(&self, command: &[u8]) -> bool {
        let [_, 0xB0, p1, ..] = *command else {
            return false;
        };
        let file = match p1 & 0x80 {
            0 => self.file,
            _ => Some(u16::from(p1 & 0x1F)),
        };
        self.application == Application::Jpki && file == Some(SIGN_CERTIFICATE)
    }

    fn record(&mut self, exchange: Exchange) {
        self.apdu_count += 1;
        self.byte_count += exchange.byte_count();
        if self.exchanges.len() >= RECORD_LIMIT {
            self.exchanges.drain(..RECORD_LIMIT / 2);
        }
        self.exchanges.push(exchange);
    }
}

/// What a test changes or reads.
impl Card {
    /// The next `count` commands are not executed, but answered with `status_word`.
    pub fn answer_next(&mut self, count: u32, status_word: u16) {
        self.fault = Some(Fault { count, status_word });
    }

    /// The next `count` commands with the instruction `ins` are not executed, but answered with exactly these bytes.
    pub fn answer_matching(&mut self, ins: u8, count: u32, response: Vec<u8>) {
        self.matching_fault = Some(MatchingFault { ins, count, response });
    }

    /// A mute card does not answer, and does nothing.
    pub fn set_mute(&mut self, mute: bool) {
        self.mute = mute;
    }

    /// A card that signs wrongly: one bit of every signature is flipped.
    pub fn corrupt_signatures(&mut self, on: bool) {
        self.corrupt_signatures = on;
    }

    /// Selects the common application (the issuer security domain if there is none), as another program on the machine
    /// may do: that locks the PINs. Nothing is recorded.
    pub fn select_other_application(&mut self) {
        self.enter(if self.options.common_ap { Application::Common } else { Application::IssuerSecurityDomain });
        self.pins.clear_verified();
    }

    /// The application that is selected.
    pub fn selected_application(&self) -> Application {
        self.application
    }

    /// The identifier of the file that is selected in it.
    pub fn selected_file(&self) -> Option<u16> {
        self.file
    }

    /// The PINs that are verified.
    pub fn verified(&self) -> Vec<PinKind> {
        let mut kinds = vec![PinKind::Authentication, PinKind::Signature];
        kinds.retain(|&kind| self.pins.is_verified(kind));
        kinds
    }

    /// How many wrong PINs are still accepted; 0 if the PIN is locked.
    pub fn tries_left(&self, pin: PinKind) -> u8 {
        self.pins.tries_left(pin)
    }

    /// Sets how many wrong PINs are still accepted; 0 locks the PIN.
    pub fn set_tries_left(&mut self, pin: PinKind, tries: u8) {
        self.pins.set_tries_left(pin, tries);
    }

    /// Gives a PIN another value, as the municipality does.
    pub fn set_pin(&mut self, pin: PinKind, value: &str) {
        self.pins.set_value(pin, value.as_bytes());
    }

    /// The commands and answers since [`Card::clear_exchanges`], without their secrets. A long record loses its older
    /// half; the counts stay true.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Clears the record and the counts.
    pub fn clear_exchanges(&mut self) {
        self.exchanges.clear();
        self.apdu_count = 0;
        self.byte_count = 0;
    }

    /// How many commands were answered.
    pub fn apdu_count(&self) -> usize {
        self.apdu_count
    }

    /// The bytes of these commands and their answers, status words included.
    pub fn byte_count(&self) -> usize {
        self.byte_count
    }
}

/// The state of the card, without its secrets.
impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card")
            .field("options", &self.options)
            .field("powered", &self.powered)
            .field("application", &self.application)
            .field("file", &self.file)
            .field("verified", &self.verified())
            .finish_non_exhaustive()
    }
}
