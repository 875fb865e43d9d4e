//! Runs cases, each in a process of its own unless the plan says otherwise, and reports the verdicts.

use std::io::{self, Read as _, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::ptr;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::{CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OK};

use crate::case::Case;
use crate::catalogue::{cases, find};
use crate::context::{Context, Target, TokenChoice};
use crate::known::Known;
use crate::names::name;
use crate::raw::Module;
use crate::returns::{self, Returned};
use crate::verdict::{Outcome, Verdict};

/// Stands before the verdict in the output of a case's process; the module may print as well.
const MARK: &str = "pkcs11-contract-verdict ";
/// The same, before the functions' return values.
const RETURNED: &str = "pkcs11-contract-returned ";
/// How often the runner checks whether a case has ended.
const PAUSE: Duration = Duration::from_millis(2);
/// The variable with the PIN for a case's process: a list of processes must not show the PIN.
const PIN: &str = "PKCS11_CONTRACT_PIN";

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program `pkcs11-contract`.
    pub program: PathBuf,
    /// What is tested.
    pub target: Target,
    /// Only cases whose names contain one of these; all cases if it is empty.
    pub only: Vec<String>,
    /// Leave out `robust/...`: what a good module survives, but the standard does not require.
    pub standard_only: bool,
    /// The module's known deviations.
    pub known: Known,
    /// How long one case may take.
    pub timeout: Duration,
    /// Print only failures.
    pub quiet: bool,
    /// Run all cases in this process, one after the other, and finalize the module after each.
    pub one_process: bool,
}

/// The numbers of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed, without the known deviations.
    pub failed: usize,
    /// Cases with nothing to test, and known deviations.
    pub skipped: usize,
    /// Known deviations among those skipped.
    pub known: usize,
    /// What each function has returned, without the processes that crashed.
    pub returned: Returned,
}

/// Runs the cases of a plan, and writes a line for each to `out`, and the numbers at the end.
///
/// # Errors
/// Those of writing to `out`, of starting the program, and of loading the module if all cases run in this process.
pub fn run(plan: &Plan, out: &mut dyn Write) -> io::Result<Summary> {
    let mut summary = Summary::default();
    let chosen = |name: &str| {
        let asked_for = plan.only.is_empty() || plan.only.iter().any(|part| name.contains(part.as_str()));
        asked_for && !(plan.standard_only && name.starts_with("robust/"))
    };
    writeln!(out, "module {}, seed {}", plan.target.module.display(), plan.target.seed)?;
    let all = cases();
    let here = if plan.one_process { Some(load(&plan.target).map_err(io::Error::other)?) } else { None };
    for case in all.iter().filter(|case| chosen(&case.name)) {
        let (name, clause) = (&case.name, &case.clause);
        let outcome = match here {
            Some(module) => {
                let outcome = run_and_finalize(module, case, &plan.target);
                summary.returned.extend(returns::take());
                outcome
            }
            None => run_apart(plan, name, &mut summary.returned)?,
        };
        match (outcome, plan.known.why(name)) {
            (Ok(()), None) => {
                summary.passed += 1;
                if !plan.quiet {
                    writeln!(out, "pass  {name}")?;
                }
            }
            (Ok(()), Some(_)) if plan.known.may_pass(name) => summary.passed += 1,
            (Ok(()), Some(why)) => {
                summary.failed += 1;
                writeln!(out, "GONE  {name}: passes now, but is listed as a known deviation ({why})")?;
            }
            (Err(Verdict::Skip(why)), _) => {
                summary.skipped += 1;
                if !plan.quiet {
                    writeln!(out, "skip  {name}: {why}")?;
                }
            }
            (Err(Verdict::Fail(what)), None) => {
                summary.failed += 1;
                writeln!(out, "FAIL  {name} ({clause}): {what}")?;
            }
            (Err(Verdict::Fail(_)), Some(why)) => {
                (summary.skipped, summary.known) = (summary.skipped + 1, summary.known + 1);
                if !plan.quiet {
                    writeln!(out, "known {name}: {why}")?;
                }
            }
        }
        out.flush()?;
    }
    for name in plan.known.names().filter(|name| !all.iter().any(|case| case.name == *name)) {
        summary.failed += 1;
        writeln!(out, "GONE  {name}: there is no such case")?;
    }
    if summary.known > 0 {
        writeln!(out, "{} of those skipped are known deviations", summary.known)?;
    }
    writeln!(out, "{} passed, {} failed, {} skipped", summary.passed, summary.failed, summary.skipped)?;
    Ok(summary)
}

/// The module, which stays loaded, and keeps its state, until the process ends.
fn load(target: &Target) -> Result<&'static Module, String> {
    static MODULE: OnceLock<Module> = OnceLock::new();
    if let Some(module) = MODULE.get() {
        return Ok(module);
    }
    let module = Module::load(&target.module)?;
    Ok(MODULE.get_or_init(|| module))
}

/// Runs one case in this process, and finalizes the module for the next case.
fn run_and_finalize(module: &'static Module, case: &Case, target: &Target) -> Outcome {
    let outcome = case.run(&mut Context::new(module, target.clone()));
    match (module.C_Finalize(ptr::null_mut()), outcome) {
        (CKR_OK | CKR_CRYPTOKI_NOT_INITIALIZED, outcome) => outcome,
        (rv, Ok(())) => Err(Verdict::Fail(format!("C_Finalize after the case: {}", name(rv)))),
        (_, outcome) => outcome,
    }
}

/// Runs one case in this process, and prints its verdict for the process that waits for it.
pub fn run_here(name: &str, target: Target) {
    let verdict = match (find(name), load(&target)) {
        (None, _) => Err(Verdict::Fail("no such case".into())),
        (_, Err(error)) => Err(Verdict::Fail(error)),
        (Some(case), Ok(module)) => case.run(&mut Context::new(module, target)),
    };
    let (word, why) = match verdict {
        Ok(()) => ("pass", String::new()),
        Err(Verdict::Skip(why)) => ("skip", why),
        Err(Verdict::Fail(why)) => ("fail", why),
    };
    println!("\n{RETURNED}{}", returns::to_line(&returns::take()));
    println!("{MARK}{word} {}", why.replace('\n', " "));
}

fn run_apart(plan: &Plan, name: &str, returned: &mut Returned) -> io::Result<Outcome> {
    let target = &plan.target;
    let mut command = Command::new(&plan.program);
    command.arg("--module").arg(&target.module).args(["--case", name]);
    command.args(["--seed", &target.seed.to_string(), "--random", &target.rounds.to_string()]);
    match &target.token {
        TokenChoice::First => {}
        TokenChoice::Label(label) => _ = command.args(["--token", label]),
        TokenChoice::Slot(slot) => _ = command.args(["--slot", &slot.to_string()]),
    }
    if let Some(label) = &target.key_label {
        command.args(["--key", label]);
    }
    if target.risk_tries {
        command.arg("--risk-tries");
    }
    match &target.pin {
        Some(pin) => command.env(PIN, pin),
        None => command.env_remove(PIN),
    };
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut output = child.stdout.take().ok_or_else(|| io::Error::other("no output of the case's process"))?;
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        // After an error, what was read so far counts.
        let _ = output.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if start.elapsed() > plan.timeout => {
                child.kill()?;
                child.wait()?;
                return Ok(Err(Verdict::Fail(format!("did not end within {} s", plan.timeout.as_secs()))));
            }
            None => thread::sleep(PAUSE),
        }
    };
    let text = reader.join().unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix(RETURNED));
    returned.extend(lines.flat_map(returns::from_line));
    Ok(verdict(&text, status))
}

fn verdict(text: &str, status: ExitStatus) -> Outcome {
    let line = text.lines().rev().find_map(|line| line.strip_prefix(MARK));
    match line.map(|line| line.split_once(' ').unwrap_or((line, ""))) {
        // The verdict alone is not enough: the process must also end without a crash in the module.
        Some(("pass", _)) if status.success() => Ok(()),
        Some(("skip", why)) if status.success() => Err(Verdict::Skip(why.into())),
        Some(("fail", why)) => Err(Verdict::Fail(why.into())),
        Some(_) => Err(Verdict::Fail(format!("the process crashed while it ended: {status}"))),
        None => Err(Verdict::Fail(format!("the process crashed: {status}"))),
    }
}
