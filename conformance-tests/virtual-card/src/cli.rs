//! The command line. Its help is the program's manual; README.md is an overview.

use std::env;
use std::error::Error;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jpki_virtual_card::{CaGeneration, Identity};

use crate::reader::Log;
use crate::scenario::CardArguments;

const EXAMPLES: &str = "\
Examples:
  jpki-virtual-card                                    a card with both certificates
  jpki-virtual-card --auth-tries 0                     its authentication PIN is locked
  jpki-virtual-card --sign-certificate blank           a card issued without a signature certificate
  jpki-virtual-card --expired --contactless            certificates that have ended, on a contactless reader
  jpki-virtual-card --phone android --speed 15000      a phone held to the reader
  jpki-virtual-card --port 35964 --identity ./second   another card, in the second reader
  jpki-virtual-card --control ./card.sock --log -      with a control channel, APDUs on stderr
  jpki-virtual-card control ./card.sock remove         take that card out
  jpki-virtual-card certificates ./trust               write the certificates as PEM files

The PINs are 1234 (authentication) and ABC123 (signature).";

const CONTROL_COMMANDS: &str = "\
Commands:
  remove                     take the card out of the reader, even while it is busy
  insert                     put it back, without power
  remove-after N             take the card out when the Nth next APDU comes, which gets no answer
  power-cycle                cut the power for a moment: nothing is selected or verified any more
  select-other               select another application, as another program may do: that locks the PINs
  answer N SW                answer the next N APDUs with a status word (hexadecimal), without executing them
  answer-ins INS N HEX       answer the next N APDUs of one instruction with exactly these bytes
  mute on|off                no answer at all; vpcd, and a program with it, wait until the card is removed
  corrupt on|off             flip a bit of every signature
  set-pin auth|sign PIN      give a PIN another value
  set-tries auth|sign N      set the tries left; 0 locks the PIN
  state                      what is selected and verified, and the tries left
  stats                      how many APDUs and bytes since the last clear
  log                        these APDUs, with PINs and signature certificate masked
  clear                      delete them
  quit                       end the program

The answer ends with a line `ok ...`; on an error the program says what is wrong and exits with 1.
Any program may use the socket: one command per line, answers as above or `error ...`.";

/// A virtual My Number Card (JPKI) in vsmartcard's virtual PC/SC reader.
///
/// The program connects to vpcd, the virtual reader of pcscd, and behaves like a My Number Card in that reader until
/// `control SOCKET quit`, SIGTERM or SIGINT ends it. If pcscd restarts, the card comes back by itself.
///
/// Install pcscd and vsmartcard-vpcd, start pcscd, then this program: it prints a line `ready ...` once the card is in
/// the reader, and any PC/SC program finds it there. The holder, the keys and the certificates are invented.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    run: RunArguments,
}

impl Cli {
    /// The task; `run` if there is no subcommand.
    pub(crate) fn task(self) -> Task {
        self.task.unwrap_or(Task::Run(Box::new(self.run)))
    }
}

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Put a card into the reader (also without a subcommand)
    #[command(after_help = EXAMPLES)]
    Run(Box<RunArguments>),
    /// Control a running card
    #[command(after_help = CONTROL_COMMANDS)]
    Control {
        /// The socket given to the card with --control
        socket: PathBuf,
        /// The command and its arguments, see below
        #[arg(required = true)]
        command: Vec<String>,
    },
    /// Write the certificates of an identity into a folder, as PEM files
    Certificates {
        /// The folder to write to
        dir: PathBuf,
        #[command(flatten)]
        identity: IdentityArguments,
    },
}

/// Whose keys and certificates the card has.
#[derive(Args)]
pub(crate) struct IdentityArguments {
    /// Folder with the card's keys and certificates; they are made there if it has none
    #[arg(long, value_name = "DIR", default_value_os_t = default_identity())]
    identity: PathBuf,
    /// A card of an older or newer authority: all authorities have the same name, each has its own key. Such a card has
    /// keys of its own as well, in a folder inside that of the identity
    #[arg(long, value_enum, value_name = "YEAR")]
    ca_generation: Option<Generation>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Generation {
    /// Valid until 2025-10-19; the holder's certificates have ended with it
    #[value(name = "2015")]
    First,
    /// Valid until 2029-09-14; the holder's certificates end with it
    #[value(name = "2019")]
    Second,
    /// Valid until 2033-07-15
    #[value(name = "2023")]
    Third,
}

impl IdentityArguments {
    /// The identity, made if there is none.
    pub(crate) fn load(&self) -> Result<Identity, Box<dyn Error>> {
        if self.identity.as_os_str().is_empty() {
            return Err("no home folder for the identity: use --identity DIR".into());
        }
        Ok(match self.ca_generation {
            Some(generation) => Identity::load_or_create_of(&self.identity, generation.into())?,
            None => Identity::load_or_create(&self.identity)?,
        })
    }
}

impl From<Generation> for CaGeneration {
    fn from(generation: Generation) -> Self {
        match generation {
            Generation::First => CaGeneration::First,
            Generation::Second => CaGeneration::Second,
            Generation::Third => CaGeneration::Third,
        }
    }
}

#[derive(Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) identity: IdentityArguments,
    /// The host of vpcd
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// The port of vpcd; its second reader is 35964
    #[arg(long, default_value_t = 35963)]
    pub(crate) port: u16,
    /// Write each APDU to this file (`-` is stderr); PINs and the signature certificate are masked
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Listen for commands at this Unix socket: see `jpki-virtual-card help control`
    #[arg(long, value_name = "SOCKET")]
    pub(crate) control: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) card: CardArguments,
}

impl RunArguments {
    /// Opens the log for the APDUs.
    pub(crate) fn open_log(&self) -> Result<Log, Box<dyn Error>> {
        let Some(path) = &self.log else {
            return Ok(None);
        };
        if path == Path::new("-") {
            return Ok(Some(Box::new(io::stderr())));
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Some(Box::new(file)))
    }
}

/// `$XDG_DATA_HOME/jpki-virtual-card/default`; empty if there is no home folder.
fn default_identity() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("jpki-virtual-card/default"))
        .unwrap_or_default()
}
