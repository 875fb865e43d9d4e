//! The program. `pkcs11-contract --help` says what it does.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use pkcs11_contract::{Known, Plan, Target, TokenChoice, cases, report, run, run_here};

/// Checks a PKCS#11 module with a signing token against the contract of PKCS#11 3.2.
///
/// Each case runs in a process of its own. Exit status: 0 if nothing failed but known deviations, 1 if another case
/// failed or a known deviation passes now, 2 for wrong usage.
#[derive(Parser)]
#[command(name = "pkcs11-contract", version)]
struct Options {
    /// The module's file
    #[arg(long, required_unless_present = "list")]
    module: Option<PathBuf>,
    /// The label of the token; without --token and --slot, the first token
    #[arg(long, value_name = "LABEL", conflicts_with = "slot")]
    token: Option<String>,
    /// The slot of the token
    #[arg(long, value_name = "ID")]
    slot: Option<u64>,
    /// The user's PIN; without it, cases that need a login are skipped
    #[arg(long, env = "PKCS11_CONTRACT_PIN", hide_env_values = true)]
    pin: Option<String>,
    /// The label of the private key; without it, the first RSA key that signs
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,
    /// Send one wrong PIN, and PINs of wrong lengths to C_SetPIN: for tokens that you can restore
    #[arg(long)]
    risk_tries: bool,
    /// Where the generator of the random cases begins
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many calls each thread of the random cases makes, and how many random templates are tried
    #[arg(long, value_name = "N", default_value_t = 200)]
    random: usize,
    /// A list of known deviations, which do not count as failures: `case-name: why` on each line, or `case-name?: why`
    /// for a case that fails in some runs only; may be given several times
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
    /// Only cases whose names contain this; may be given several times
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Leave out the cases `robust/...`: what a good module survives, but the standard does not require
    #[arg(long)]
    standard_only: bool,
    /// How many seconds one case may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Run all cases in one process, and finalize the module after each: for tools that check memory. A module that
    /// crashes or hangs ends the whole run
    #[arg(long)]
    one_process: bool,
    /// Fail if fewer cases than this have passed
    #[arg(long, value_name = "N", default_value_t = 0)]
    at_least: usize,
    /// Write what each function has returned to this file. The standard lists the values with `+` (seen) and `-` (not
    /// seen), and does not list those with `!`
    #[arg(long, value_name = "FILE")]
    returns: Option<PathBuf>,
    /// Print only failures
    #[arg(long, short)]
    quiet: bool,
    /// Print the names of all cases with their clauses
    #[arg(long)]
    list: bool,
    /// Run this one case in this process
    #[arg(long, hide = true)]
    case: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list {
        for case in cases() {
            println!("{}  {}", case.name, case.clause);
        }
        return ExitCode::SUCCESS;
    }
    match start(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("pkcs11-contract: {error}");
            ExitCode::from(2)
        }
    }
}

/// Does what the options say; `true` if nothing failed.
fn start(options: Options) -> Result<bool, String> {
    let target = Target {
        module: options.module.unwrap_or_default(),
        token: match (options.token, options.slot) {
            (Some(label), _) => TokenChoice::Label(label),
            (None, Some(slot)) => TokenChoice::Slot(slot),
            (None, None) => TokenChoice::First,
        },
        pin: options.pin,
        key_label: options.key,
        risk_tries: options.risk_tries,
        seed: options.seed,
        rounds: options.random,
    };
    if let Some(case) = options.case {
        run_here(&case, target);
        return Ok(true);
    }
    let known = Known::read(&options.known)?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let timeout = Duration::from_secs(options.timeout);
    let plan = Plan {
        program,
        target,
        only: options.only,
        standard_only: options.standard_only,
        known,
        timeout,
        quiet: options.quiet,
        one_process: options.one_process,
    };
    let summary = run(&plan, &mut io::stdout().lock()).map_err(|error| error.to_string())?;
    if let Some(file) = options.returns {
        std::fs::write(&file, report(&summary.returned)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if summary.passed < options.at_least {
        println!("too few cases passed: at least {} are expected", options.at_least);
    }
    Ok(summary.failed == 0 && summary.passed >= options.at_least)
}
