//! The card's place in the reader: the connection to vpcd, vsmartcard's virtual reader.
//!
//! Both directions carry messages of a two-byte length and a body. A body of one byte is a request of the reader
//! (power off, power on, reset, ATR), a longer one is a command APDU.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jpki_virtual_card::Card;

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// Longer than any ATR (ISO/IEC 7816-3: 33 bytes with TS), so vpcd reports a card that does not answer to power. An
/// empty answer would mean that the card is gone: vpcd also requests the ATR to check whether the card is there.
const NO_ATR: [u8; 34] = [0; 34];

/// Where the APDUs are logged, if there is a log.
pub(crate) type Log = Option<Box<dyn Write + Send>>;

/// A card, and its place in the virtual reader.
pub(crate) struct Reader {
    address: (String, u16),
    card: Mutex<Card>,
    log: Mutex<Log>,
    place: Mutex<Place>,
    changed: Condvar,
}

struct Place {
    /// The card should be in the reader.
    inserted: bool,
    /// The program should end.
    quit: bool,
    /// The connection, while the card is in the reader.
    stream: Option<TcpStream>,
    /// After how many more APDUs the card disappears.
    remove_after: Option<u32>,
}

impl Reader {
    pub(crate) fn new(card: Card, host: &str, port: u16, log: Log) -> Reader {
        Reader {
            address: (host.to_owned(), port),
            card: Mutex::new(card),
            log: Mutex::new(log),
            place: Mutex::new(Place { inserted: true, quit: false, stream: None, remove_after: None }),
            changed: Condvar::new(),
        }
    }

    /// The card itself.
    pub(crate) fn card(&self) -> MutexGuard<'_, Card> {
        lock(&self.card)
    }

    /// Whether the card is in the reader.
    pub(crate) fn is_connected(&self) -> bool {
        lock(&self.place).stream.is_some()
    }

    /// Takes the card out: the reader shows none any more, even while the card is busy with a command.
    pub(crate) fn remove(&self) {
        lock(&self.place).disconnect();
        self.changed.notify_all();
    }

    /// Takes the card out when the `count`th next command comes; the reader gets no answer to that command.
    pub(crate) fn remove_after(&self, count: u32) {
        lock(&self.place).remove_after = Some(count.max(1));
    }

    /// Puts the card back, without power; false if there is no reader.
    pub(crate) fn insert(&self) -> bool {
        let mut place = lock(&self.place);
        place.inserted = true;
        self.changed.notify_all();
        let missing = |place: &mut Place| place.stream.is_none() && !place.quit;
        place = match self.changed.wait_timeout_while(place, PATIENCE, missing) {
            Ok((place, _)) => place,
            Err(poisoned) => poisoned.into_inner().0,
        };
        place.stream.is_some()
    }

    /// Ends [`Reader::serve`].
    pub(crate) fn quit(&self) {
        let mut place = lock(&self.place);
        place.quit = true;
        place.disconnect();
        self.changed.notify_all();
    }

    /// Keeps the card in the reader until [`Reader::quit`]; connects again after vpcd has ended and started again, as
    /// it does with pcscd. An error if vpcd was never there.
    pub(crate) fn serve(&self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let mut announced = false;
        while self.wait_for_card() {
            match self.connect() {
                Ok(stream) => {
                    let end = self.converse(stream, &mut announced);
                    self.card().power_off();
                    end?;
                }
                Err(error) if !announced && start.elapsed() >= PATIENCE => {
                    let (host, port) = &self.address;
                    return Err(format!(
                        "no vpcd at {host}:{port} ({error}). Is pcscd running, and vsmartcard's vpcd installed?"
                    )
                    .into());
                }
                Err(_) => self.pause(),
            }
        }
        Ok(())
    }

    /// Waits until the card should be in the reader; false if the program should end.
    fn wait_for_card(&self) -> bool {
        let idle = |place: &mut Place| !place.inserted && !place.quit;
        let place = self.changed.wait_while(lock(&self.place), idle);
        !place.unwrap_or_else(PoisonError::into_inner).quit
    }

    fn pause(&self) {
        let waiting = |place: &mut Place| place.inserted && !place.quit;
        // It makes no difference whether the time or a change has ended the pause.
        drop(self.changed.wait_timeout_while(lock(&self.place), PAUSE, waiting));
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let (host, port) = &self.address;
        let stream = TcpStream::connect((host.as_str(), *port))?;
        stream.set_nodelay(true)?;
        let mut place = lock(&self.place);
        if !place.inserted || place.quit {
            return Err(ErrorKind::Interrupted.into());
        }
        place.stream = Some(stream.try_clone()?);
        self.changed.notify_all();
        Ok(stream)
    }

    /// Answers vpcd until either side ends the connection. An error if vpcd never sends anything: vpcd leaves a second
    /// card for the same reader waiting.
    fn converse(&self, mut stream: TcpStream, announced: &mut bool) -> Result<(), Box<dyn Error>> {
        let (host, port) = &self.address;
        stream.set_read_timeout((!*announced).then_some(PATIENCE))?;
        loop {
            let message = match read_message(&mut stream) {
                Ok(message) => message,
                Err(error) if !*announced && error.kind() == ErrorKind::WouldBlock => {
                    return Err(format!(
                        "vpcd at {host}:{port} does not answer. Is there another card in this reader?"
                    )
                    .into());
                }
                Err(_) => break,
            };
            if !*announced {
                // Only now is it certain that vpcd has taken this card and no other.
                writeln!(io::stdout(), "ready: the card is in the reader of vpcd at {host}:{port}")?;
                *announced = true;
                stream.set_read_timeout(None)?;
            }
            match self.answer(&message) {
                Reply::Bytes(answer) if write_message(&mut stream, &answer).is_err() => break,
                Reply::Removed => break,
                Reply::Bytes(_) | Reply::Nothing => {}
            }
        }
        lock(&self.place).stream = None;
        self.changed.notify_all();
        Ok(())
    }

    /// The reply to one message of vpcd.
    fn answer(&self, message: &[u8]) -> Reply {
        match message {
            [0x00] => self.card().power_off(),
            [0x01] => self.card().power_on(),
            [0x02] => self.card().reset(),
            [0x04] => return Reply::Bytes(self.card().atr().unwrap_or(NO_ATR.to_vec())),
            [] | [_] => {}
            _ if self.disappears() => return Reply::Removed,
            command => return self.transmit(command).map_or(Reply::Nothing, Reply::Bytes),
        }
        Reply::Nothing
    }

    fn transmit(&self, command: &[u8]) -> Option<Vec<u8>> {
        let mut card = self.card();
        let answer = card.transmit(command)?;
        if let (Some(log), Some(exchange)) = (lock(&self.log).as_mut(), card.exchanges().last()) {
            if let Err(error) = writeln!(log, "{exchange}") {
                eprintln!("jpki-virtual-card: cannot write the log: {error}");
            }
        }
        Some(answer)
    }

    /// Counts one command; true if the card disappears with that command.
    fn disappears(&self) -> bool {
        let mut place = lock(&self.place);
        let Some(count) = place.remove_after else {
            return false;
        };
        place.remove_after = count.checked_sub(1).filter(|&left| left > 0);
        if place.remove_after.is_none() {
            place.disconnect();
            return true;
        }
        false
    }
}

/// The reply to vpcd.
enum Reply {
    Bytes(Vec<u8>),
    Nothing,
    /// The card is no longer there.
    Removed,
}

impl Place {
    fn disconnect(&mut self) {
        self.inserted = false;
        self.remove_after = None;
        if let Some(stream) = self.stream.take() {
            // An error means that the connection has already ended.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

/// Reads a length and a body. vpcd writes the two apart, and the body waits for the acknowledgement of the length:
/// unless the acknowledgement is sent at once, every APDU costs 40 ms.
fn read_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    rustix::net::sockopt::set_tcp_quickack(&*stream, true)?;
    stream.read_exact(&mut length)?;
    let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
    rustix::net::sockopt::set_tcp_quickack(&*stream, true)?;
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn write_message(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    let length = u16::try_from(body.len()).map_err(|_| ErrorKind::InvalidInput)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend(body);
    stream.write_all(&message)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
