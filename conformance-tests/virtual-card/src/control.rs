//! The control channel, by which a test acts on the card while a program uses it. One command per line; the answer
//! ends with a line that begins with `ok` or `error`.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use jpki_virtual_card::{Card, PinKind};
use rustix::fs::Mode;

use crate::reader::Reader;
use crate::scenario::parse_hex;

/// The socket in the file system; removed with this value.
pub(crate) struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // The folder may already be gone, and the socket with it.
        drop(fs::remove_file(&self.0));
    }
}

/// Listens at `path`, for the user alone. A socket without a listener is replaced.
pub(crate) fn listen(path: &Path, reader: &Arc<Reader>) -> Result<Socket, Box<dyn Error>> {
    let refused = UnixStream::connect(path).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused);
    if refused {
        fs::remove_file(path)?;
    }
    let old = rustix::process::umask(Mode::XUSR | Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::bind(path);
    rustix::process::umask(old);
    let listener = listener.map_err(|error| format!("{}: {error}", path.display()))?;
    let socket = Socket(path.to_owned());
    let reader = Arc::clone(reader);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reader = Arc::clone(&reader);
            // An error means that the client has gone.
            thread::spawn(move || drop(answer_client(&reader, stream)));
        }
    });
    Ok(socket)
}

/// Sends one command to the card that listens at `path`, and prints the answer.
pub(crate) fn send(path: &Path, command: &str) -> Result<(), Box<dyn Error>> {
    let at = |error: io::Error| format!("{}: {error}", path.display());
    let mut stream = UnixStream::connect(path).map_err(at)?;
    writeln!(stream, "{command}").map_err(at)?;
    for line in BufReader::new(stream).lines() {
        let line = line.map_err(at)?;
        if let Some(error) = line.strip_prefix("error ") {
            return Err(error.into());
        }
        writeln!(io::stdout(), "{line}")?;
        if is_end(&line) {
            return Ok(());
        }
    }
    Err(format!("{}: the card has ended", path.display()).into())
}

fn is_end(line: &str) -> bool {
    line == "ok" || line.starts_with("ok ")
}

fn answer_client(reader: &Reader, stream: UnixStream) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let answer = match execute(reader, &line) {
            Ok(answer) if answer.is_empty() => "ok\n".to_owned(),
            Ok(answer) => format!("{answer}\n"),
            Err(error) => format!("error {error}\n"),
        };
        writer.write_all(answer.as_bytes())?;
        if line.trim() == "quit" {
            reader.quit();
            break;
        }
    }
    Ok(())
}

/// Executes one command. The result ends with the line `ok ...`; an empty one stands for a plain `ok`.
fn execute(reader: &Reader, line: &str) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["remove"] => reader.remove(),
        ["remove-after", count] => reader.remove_after(number(count)?),
        ["insert"] => {
            if !reader.insert() {
                return Err("vpcd is not there".to_owned());
            }
        }
        ["power-cycle"] => {
            let mut card = reader.card();
            card.power_off();
            card.power_on();
        }
        ["select-other"] => reader.card().select_other_application(),
        ["answer", count, status_word] => {
            let &[sw1, sw2] = parse_hex(status_word)?.as_slice() else {
                return Err(format!("{status_word} is no status word"));
            };
            let status_word = u16::from_be_bytes([sw1, sw2]);
            reader.card().answer_next(number(count)?, status_word);
        }
        ["answer-ins", ins, count, response] => {
            let &[ins] = parse_hex(ins)?.as_slice() else {
                return Err(format!("{ins} is no instruction"));
            };
            let response = parse_hex(response)?;
            reader.card().answer_matching(ins, number(count)?, response);
        }
        ["mute", switch] => reader.card().set_mute(is_on(switch)?),
        ["corrupt", switch] => reader.card().corrupt_signatures(is_on(switch)?),
        ["set-pin", kind, pin] => reader.card().set_pin(pin_kind(kind)?, pin),
        ["set-tries", kind, tries] => {
            let tries = tries.parse().map_err(|_| format!("{tries} is no number of tries"))?;
            reader.card().set_tries_left(pin_kind(kind)?, tries);
        }
        ["stats"] => {
            let card = reader.card();
            return Ok(format!("ok apdus={} bytes={}", card.apdu_count(), card.byte_count()));
        }
        ["clear"] => reader.card().clear_exchanges(),
        ["log"] => {
            let card = reader.card();
            let lines = card.exchanges().iter().map(|exchange| format!("{exchange}\n"));
            return Ok(lines.collect::<String>() + "ok");
        }
        ["state"] => return Ok(state(reader)),
        ["quit"] => {}
        _ => return Err(format!("unknown command: {}", words.first().unwrap_or(&""))),
    }
    Ok(String::new())
}

fn state(reader: &Reader) -> String {
    let inserted = reader.is_connected();
    let card = reader.card();
    let verified = |card: &Card| {
        let names = card.verified().into_iter().map(|kind| match kind {
            PinKind::Authentication => "auth",
            PinKind::Signature => "sign",
        });
        names.collect::<Vec<_>>().join(",")
    };
    format!(
        "ok inserted={inserted} powered={} application={:?} file={} verified={} auth-tries={} sign-tries={}",
        card.is_powered(),
        card.selected_application(),
        card.selected_file().map_or("none".to_owned(), |id| format!("{id:04X}")),
        verified(&card),
        card.tries_left(PinKind::Authentication),
        card.tries_left(PinKind::Signature),
    )
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn is_on(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("{text} is neither on nor off")),
    }
}

fn pin_kind(text: &str) -> Result<PinKind, String> {
    match text {
        "auth" => Ok(PinKind::Authentication),
        "sign" => Ok(PinKind::Signature),
        _ => Err(format!("{text} is neither auth nor sign")),
    }
}
