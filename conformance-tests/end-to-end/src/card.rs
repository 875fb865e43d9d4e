//! Virtual cards in the two readers of the stack.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use pcsc::State as ReaderState;

use crate::paths::{lasting, socket, virtual_card_path};
use crate::stack::reader_state;
use crate::wait_until;

/// A reader of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Virtual PCD 00 00.
    First,
    /// Virtual PCD 00 01.
    Second,
    /// A reader that comes and goes: [`crate::OtherReaders`].
    Other,
    /// The same with a name in Shift_JIS, カード.
    ShiftJis,
    /// The same with a name that is longer than a slot's description.
    LongName,
}

impl Reader {
    /// The name that PC/SC gives it, as a text to show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reader::First => "Virtual PCD 00 00",
            Reader::Second => "Virtual PCD 00 01",
            Reader::Other => "Other PCD 00 00",
            Reader::ShiftJis => "\u{FFFD}J\u{FFFD}[\u{FFFD}h 00 00",
            Reader::LongName => "Contactless Smart Card Reader of a Long Name (21120703310203) 00 00",
        }
    }

    /// The name that PC/SC gives it.
    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Reader::ShiftJis => b"\x83J\x81[\x83h 00 00",
            other => other.name().as_bytes(),
        }
    }

    /// The port at which its driver waits for a card.
    pub(crate) fn port(self) -> &'static str {
        match self {
            Reader::First => "35963",
            Reader::Second => "35964",
            Reader::Other | Reader::ShiftJis | Reader::LongName => "35965",
        }
    }

    /// Whether pcscd reports this state, independently of the module.
    fn is(self, wanted: ReaderState) -> bool {
        reader_state(self).is_some_and(|(state, _)| state.contains(wanted))
    }

    /// Whether it has a card that has answered to power.
    fn has_card(self) -> bool {
        self.is(ReaderState::PRESENT) && !self.is(ReaderState::MUTE)
    }

    /// How many insertions and removals pcscd has counted.
    ///
    /// # Panics
    /// If there is no such reader.
    #[must_use]
    pub fn events(self) -> u32 {
        reader_state(self).expect("the reader").1
    }

    /// Waits until pcscd has counted the removal of a card, after `before` insertions and removals.
    ///
    /// After a removal in the middle of a transaction, an empty reader is not enough. If pcsc-lite 1.9.9 cannot cut the
    /// power at the end of the transaction, it shows the reader as empty at once, but notices the removal only later
    /// (it polls three times a second). It misses a card that is put back before that, until the card is removed again.
    pub fn wait_for_removal(self, before: u32) {
        wait_until("pcscd counts the removal", || self.events() != before && self.is(ReaderState::EMPTY));
    }

    /// Waits until pcscd shows a card in the reader, or none.
    ///
    /// # Panics
    /// If that takes too long.
    #[track_caller]
    pub fn wait(self, card: bool) {
        let what = format!("{} {} a card", self.name(), if card { "has" } else { "is without" });
        wait_until(&what, || if card { self.has_card() } else { self.is(ReaderState::EMPTY) });
    }
}

/// What the virtual card has counted since [`VirtualCard::clear`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Commands.
    pub apdus: u32,
    /// Bytes, in both directions.
    pub bytes: u32,
}

/// The state that the card reports on its control channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Which PINs are verified: `auth`, `sign`, both with a comma, or nothing.
    pub verified: String,
    /// The tries left of the authentication PIN.
    pub auth_tries: u32,
    /// The tries left of the signing PIN.
    pub sign_tries: u32,
}

/// A running virtual card. Its program ends when this value is dropped.
pub struct VirtualCard {
    program: Child,
    socket: PathBuf,
    reader: Reader,
}

impl VirtualCard {
    /// Puts a card into a reader, and waits until pcscd shows it. The options are those of the program. Each reader's
    /// card has keys of its own, which are made once.
    ///
    /// # Panics
    /// If the card does not get into the reader.
    #[must_use]
    pub fn start(reader: Reader, options: &[&str]) -> Self {
        let identity = match reader {
            Reader::First => "identity-1",
            _ => "identity-2",
        };
        Self::start_as(reader, identity, options)
    }

    /// The same with the keys of this name.
    ///
    /// # Panics
    /// If the card does not get into the reader.
    #[must_use]
    pub fn start_as(reader: Reader, identity: &str, options: &[&str]) -> Self {
        let card = Self::put_into(reader, identity, options);
        reader.wait(true);
        card
    }

    /// Puts a card that does not answer to power into a reader, and waits until pcscd has tried it.
    ///
    /// # Panics
    /// If the card does not get into the reader.
    #[must_use]
    pub fn start_unresponsive(reader: Reader) -> Self {
        let card = Self::put_into(reader, "identity-2", &["--unresponsive"]);
        wait_until("pcscd finds a card that does not answer", || reader.is(ReaderState::MUTE));
        card
    }

    fn put_into(reader: Reader, identity: &str, options: &[&str]) -> Self {
        reader.wait(false);
        let socket = socket("card");
        let mut command = Command::new(virtual_card_path());
        command.arg("run").arg("--identity").arg(lasting(identity));
        command.args(["--port", reader.port()]).arg("--control").arg(&socket).args(options);
        end_with_us(&mut command);
        let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the virtual card starts");
        let output = program.stdout.take().expect("a piped output");
        // Its drop ends the program, even if the next lines panic.
        let card = VirtualCard { program, socket, reader };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("the virtual card says something");
        assert!(line.starts_with("ready"), "the virtual card did not get into {}: {line}", reader.name());
        card
    }

    /// The reader that the card is in.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader
    }

    /// Sends a command on the control channel. Returns the lines of the answer without the last word `ok`.
    ///
    /// # Panics
    /// If the card refuses the command.
    #[track_caller]
    pub fn control(&self, command: &str) -> Vec<String> {
        let mut stream = UnixStream::connect(&self.socket).expect("the card listens");
        writeln!(stream, "{command}").expect("the card takes commands");
        let mut answer = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.expect("the card answers");
            assert!(!line.starts_with("error "), "{command}: {line}");
            match line.strip_prefix("ok") {
                Some(rest) if rest.is_empty() || rest.starts_with(' ') => {
                    answer.extend((!rest.is_empty()).then(|| rest.trim().to_owned()));
                    return answer;
                }
                _ => answer.push(line),
            }
        }
        panic!("{command}: the card went away");
    }

    /// Takes the card out, and waits until pcscd has noticed.
    pub fn remove(&self) {
        self.control("remove");
        self.reader.wait(false);
    }

    /// Puts the card back, and waits until pcscd has noticed.
    pub fn insert(&self) {
        self.control("insert");
        self.reader.wait(true);
    }

    /// Starts counting anew.
    pub fn clear(&self) {
        self.control("clear");
    }

    /// What was counted since [`Self::clear`].
    #[must_use]
    pub fn stats(&self) -> Stats {
        let answer = self.control("stats").concat();
        let value = |name| word(&answer, name).parse().expect("a number");
        Stats { apdus: value("apdus="), bytes: value("bytes=") }
    }

    /// The commands since [`Self::clear`], PINs masked.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.control("log")
    }

    /// How many VERIFY commands with a PIN are in the log.
    #[must_use]
    pub fn verifications(&self) -> usize {
        // A VERIFY without a PIN asks for the tries left.
        let command = |line: &str| line.split("->").next().unwrap_or_default().replace(' ', "");
        let is_verify = |command: &String| command.starts_with("0020") && command.len() > 8;
        self.log().iter().map(|line| command(line)).filter(is_verify).count()
    }

    /// The state that the card reports.
    #[must_use]
    pub fn state(&self) -> State {
        let answer = self.control("state").concat();
        let tries = |name| word(&answer, name).parse().expect("a number of tries");
        State {
            verified: word(&answer, "verified=").to_owned(),
            auth_tries: tries("auth-tries="),
            sign_tries: tries("sign-tries="),
        }
    }
}

fn word<'a>(answer: &'a str, name: &str) -> &'a str {
    answer.split(' ').find_map(|word| word.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in: {answer}"))
}

/// Makes a program end with the thread that starts it, even if that thread is killed.
pub(crate) fn end_with_us(command: &mut Command) {
    // SAFETY: prctl is one system call, which allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

impl Drop for VirtualCard {
    fn drop(&mut self) {
        // An error means that the program has already ended.
        let _ = self.program.kill();
        let _ = self.program.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}
