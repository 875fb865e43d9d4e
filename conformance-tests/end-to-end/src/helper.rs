//! This crate's own helper programs, as processes: the second program at the reader, and a program that uses the module
//! and that a test can kill.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::card::end_with_us;
use crate::paths::program;
use crate::{Key, Reader};

/// The status word of a card that wants a PIN first.
pub const LOCKED: &str = "6982";

/// A helper that runs until this value is dropped, or [`Helper::end`] is called.
pub struct Helper {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts one of this crate's programs.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        Self::start_with(name, arguments, &[])
    }

    /// The same with variables in its environment.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_with(name: &str, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Self {
        let mut command = Command::new(program(name));
        end_with_us(command.args(arguments).envs(environment.iter().copied()));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the helper starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("a piped output"));
        Helper { child, input, output: BufReader::new(output) }
    }

    /// The next line that the helper prints; empty if the helper has ended.
    ///
    /// # Panics
    /// If its output cannot be read.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the helper's output");
        line.trim_end().to_owned()
    }

    /// Waits for a line.
    ///
    /// # Panics
    /// If the next line is another one.
    #[track_caller]
    pub fn expect(&mut self, wanted: &str) {
        let line = self.line();
        assert_eq!(line, wanted, "what the helper says");
    }

    /// Whether the helper still runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the helper with SIGKILL.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a helper that runs");
        self.child.wait().expect("a child of ours");
    }

    /// Closes the helper's input, which ends the helper, and returns the lines that it still prints.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn end(mut self) -> Vec<String> {
        drop(self.input.take());
        let lines: Vec<_> = self.output.by_ref().lines().map(|line| line.expect("the helper's output")).collect();
        let status = self.child.wait().expect("a child of ours");
        assert!(status.success(), "the helper ended with {status}: {lines:?}");
        lines
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // An error means that the helper has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The responses to raw commands, in capital hexadecimal digits.
pub type RawAnswers = Vec<String>;

/// A program that is connected to the card and does nothing. While it runs, pcscd leaves the power on.
#[must_use]
pub fn bystander(reader: Reader) -> Helper {
    let mut bystander = Helper::start("raw-apdu", &[reader.name(), "shared", "say:connected", "wait"]);
    bystander.expect("connected");
    bystander
}

/// Sends commands to a card from another process, and leaves the card as it is.
///
/// # Panics
/// If it cannot reach the card.
#[track_caller]
pub fn raw_apdu(reader: Reader, steps: &[&str]) -> RawAnswers {
    raw_apdu_in(reader, "shared", steps)
}

/// The same from a process that has the card exclusively.
///
/// # Panics
/// If another program is connected.
#[track_caller]
pub fn raw_apdu_exclusively(reader: Reader, steps: &[&str]) -> RawAnswers {
    raw_apdu_in(reader, "exclusive", steps)
}

#[track_caller]
fn raw_apdu_in(reader: Reader, mode: &str, steps: &[&str]) -> RawAnswers {
    let mut arguments = vec![reader.name(), mode];
    arguments.extend(steps);
    Helper::start("raw-apdu", &arguments).end()
}

/// The status word of a signature command that another process sends without VERIFY, in a transaction of its own. Waits
/// until no other program has a transaction with the card.
///
/// # Panics
/// If it cannot reach the card, or if the card answers anything but a status word or a signature.
#[track_caller]
pub fn raw_signature(reader: Reader, key: Key) -> String {
    let select_key = match key {
        Key::Auth => "00A4020C020017",
        Key::Sign => "00A4020C02001A",
    };
    let steps = ["00A4040C0AD392F000260100000001", select_key, "802A00800548454C4C4F00"];
    let answers = raw_apdu_in(reader, "transaction", &steps);
    let [select, file, answer] = answers.as_slice() else { panic!("three answers, not {answers:?}") };
    // Some cards answer their first command wrongly: send it again.
    if select == "6F00" {
        return raw_signature(reader, key);
    }
    assert_eq!((select.as_str(), file.as_str()), ("9000", "9000"));
    answer.get(answer.len() - 4..).expect("a status word").to_owned()
}
