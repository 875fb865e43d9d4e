//! The program: a virtual My Number Card in vsmartcard's virtual PC/SC reader.

mod cli;
mod control;
mod reader;
mod scenario;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Parser;
use der::pem::{LineEnding, encode_string};
use jpki_virtual_card::{Card, Identity};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::{Cli, RunArguments, Task};
use crate::reader::Reader;

fn main() -> ExitCode {
    let result = match Cli::parse().task() {
        Task::Run(arguments) => run(*arguments),
        Task::Control { socket, command } => control::send(&socket, &command.join(" ")),
        Task::Certificates { dir, identity } => identity.load().and_then(|identity| certificates(&dir, &identity)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jpki-virtual-card: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Puts a card into the reader and leaves it there until a signal or `quit` ends the program.
fn run(arguments: RunArguments) -> Result<(), Box<dyn Error>> {
    let log = arguments.open_log()?;
    let identity = arguments.identity.load()?;
    let card = Card::new(Arc::new(identity), arguments.card.options());
    let reader = Arc::new(Reader::new(card, &arguments.host, arguments.port, log));

    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let quitter = Arc::clone(&reader);
    thread::spawn(move || signals.forever().for_each(|_| quitter.quit()));
    let _socket = match &arguments.control {
        Some(path) => Some(control::listen(path, &reader)?),
        None => None,
    };
    reader.serve()
}

/// Writes the certificates of an identity as PEM, for programs that trust or show them.
fn certificates(dir: &Path, identity: &Identity) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    for (name, certificate) in [
        ("auth.pem", identity.auth_certificate()),
        ("sign.pem", identity.sign_certificate()),
        ("auth-expired.pem", identity.expired_auth_certificate()),
        ("sign-expired.pem", identity.expired_sign_certificate()),
        ("auth-ca.pem", identity.auth_ca_certificate()),
        ("sign-ca.pem", identity.sign_ca_certificate()),
    ] {
        let path = dir.join(name);
        let pem = encode_string("CERTIFICATE", LineEnding::LF, certificate)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        fs::write(&path, pem).map_err(|error| format!("{}: {error}", path.display()))?;
        writeln!(io::stdout(), "{}", path.display())?;
    }
    Ok(())
}
