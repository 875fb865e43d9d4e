//! A program that uses the module, for tests that kill it, that fork, or that count something in a process of its own.
//!
//! `module-user tokens [SETTINGS]` initializes the module with a string of settings and those of its environment. It
//! prints whether it runs with more rights than its user, the result of C_Initialize, and each slot with its token.
//!
//! `module-user TASK KEY`, where KEY is `auth` or `sign`, and TASK is one of these:
//! - `login`: logs in, prints `ready`, and waits until its input is closed,
//! - `signed`: the same after a signature,
//! - `loop`: logs in, prints `ready` and how many microseconds a signature takes, and signs for ever, with pauses that
//!   are as long as the signatures,
//! - `pad`: logs in at the PIN pad, signs twice, prints `ready`, and waits until its input is closed; then it logs out
//!   and prints the result,
//! - `pad-exit`: the same, but then ends without C_Logout and C_Finalize,
//! - `exit`: logs in, says `ready`, and signs without a pause; after as many milliseconds as JPKI_EXIT_AFTER says another
//!   thread calls `exit`, without C_Logout and C_Finalize,
//! - `stderr-closed`, `stderr-unread`: closes its standard error, or makes it a pipe that nobody reads; prints that a mistake
//!   in the settings is refused, and signs with a log on standard error, and SIGPIPE would end it,
//! - `stderr-given-up`: the same, but closes it after C_Initialize,
//! - `swept`: closes all descriptors after C_Initialize with a log file, opens a file under the log's number, signs, and
//!   prints what has become of that file after C_Finalize,
//! - `fork`: logs in, forks, and prints the results of the child and the parent,
//! - `memory`: prints what C_GenerateRandom and C_FindObjectsInit return while the process gets no more memory, for as much
//!   as they may be asked for, and what they return after that,
//! - `threads`: prints how many threads it has before C_Initialize and after each kind of call.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::ptr::null_mut;
use std::thread::sleep;
use std::time::Instant;

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::session::UserType;
use cryptoki_sys::{CK_ATTRIBUTE, CKA_LABEL, CKF_SERIAL_SESSION, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OK};
use jpki_end_to_end::{Key, Module, Objects, Reader, call, outcome, scratch};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some("tokens") = arguments.first().map(String::as_str) {
        return tokens(arguments.get(1).map_or("", String::as_str));
    }
    let [task, key] = arguments.as_slice() else { panic!("module-user TASK KEY") };
    let key = Key::ALL.into_iter().find(|known| known.name() == key).expect("auth or sign");
    match task.as_str() {
        "threads" => return threads(key),
        "memory" => return memory(key),
        _ => {}
    }
    if let Some(how) = task.strip_prefix("stderr-") {
        return with_odd_standard_error(how, key);
    }
    if task == "swept" {
        return swept(key);
    }
    let module = Module::start();
    match task.as_str() {
        "pad" => return at_pad(&module, key),
        "pad-exit" => return at_pad_until_exit(&module, key),
        _ => {}
    }
    let session = module.logged_in(key);
    let sign = || session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").expect("a signature");
    match task.as_str() {
        "login" => ready_and_wait(),
        "signed" => {
            sign();
            ready_and_wait();
        }
        "loop" => {
            say("ready");
            let start = Instant::now();
            sign();
            say(&start.elapsed().as_micros().to_string());
            loop {
                let start = Instant::now();
                sign();
                sleep(start.elapsed());
            }
        }
        "exit" => {
            say("ready");
            let delay = std::env::var("JPKI_EXIT_AFTER").ok().and_then(|delay| delay.parse().ok()).expect("a number");
            std::thread::spawn(move || {
                sleep(std::time::Duration::from_millis(delay));
                // Runs no destructors, and does not wait for the signature in the other thread.
                std::process::exit(0);
            });
            loop {
                sign();
            }
        }
        "fork" => {
            let child = fork_and(|| child(key));
            say(&format!("child: {child}"));
            sign();
            say("parent: signed");
        }
        _ => panic!("unknown task {task}"),
    }
}

fn at_pad(module: &Module, key: Key) {
    let session = signed_at_pad(module, key);
    say(&format!("logout: {:?}", error_of(session.logout())));
}

fn at_pad_until_exit(module: &Module, key: Key) {
    let _session = signed_at_pad(module, key);
    // Runs no destructors, because one of them would finalize the module.
    std::process::exit(0);
}

fn signed_at_pad(module: &Module, key: Key) -> cryptoki::session::Session {
    let session = module.session(key);
    session.login(UserType::User, None).expect("a PIN from the PIN pad");
    for _ in 0..2 {
        session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").expect("a signature");
    }
    ready_and_wait();
    session
}

fn tokens(settings: &str) {
    // SAFETY: reads one number that the kernel gave the process when it started.
    say(&format!("secure: {}", unsafe { libc::getauxval(libc::AT_SECURE) }));
    let module = match outcome(Module::initialize(settings)) {
        Ok(module) => module,
        Err(error) => return say(&format!("C_Initialize: {error:?}")),
    };
    say("C_Initialize: OK");
    for slot in module.client.get_all_slots().expect("C_GetSlotList") {
        let token = outcome(module.client.get_token_info(slot));
        let label = token.map_or_else(|error| format!("{error:?}"), |token| token.label().to_owned());
        say(&format!("slot {}: {label}", slot.id()));
    }
}

fn threads(key: Key) {
    let number = || std::fs::read_dir("/proc/self/task").expect("/proc").count();
    let count = |after: &str| say(&format!("{after}: {}", number()));
    count("before C_Initialize");
    let module = Module::start();
    count("C_Initialize");
    let session = module.logged_in(key);
    count("C_Login");
    session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").expect("a signature");
    count("C_Sign");
    assert!(module.client.get_slot_event().expect("C_WaitForSlotEvent").is_none(), "nothing has happened");
    count("C_WaitForSlotEvent");
    session.logout().expect("C_Logout");
    drop(session);
    drop(module);
    count("C_Finalize");
}

/// The stack's readers alone, as a setting.
const READERS: &str = "readers=\"Virtual PCD 00 0*\"";

fn swept(key: Key) {
    let [log, other] = ["log", "other"].map(scratch);
    let module = Module::initialize(&format!("log=trace {READERS} log-file=\"{}\"", log.display()));
    let module = module.expect("C_Initialize");
    let open: Vec<i32> = (3..256).filter(|number| fs::read_link(format!("/proc/self/fd/{number}")).is_ok()).collect();
    let is_log = |number: &&i32| fs::read_link(format!("/proc/self/fd/{number}")).is_ok_and(|path| path == log);
    let number = *open.iter().find(is_log).expect("the log file is open");
    for number in open {
        // SAFETY: a descriptor that nothing in this program uses any more.
        unsafe { libc::close(number) };
    }
    let file = fs::File::create_new(&other).expect("another file");
    // SAFETY: a descriptor that is free, unless the file has got it.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), number) }, number);
    module.logged_in(key).sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").expect("a signature");
    drop(module);
    // SAFETY: asks about a number.
    let is_open = unsafe { libc::fcntl(number, libc::F_GETFD) } != -1;
    say(&format!("{}, {} bytes", if is_open { "open" } else { "closed" }, other.metadata().expect("the file").len()));
    let _ = (fs::remove_file(log), fs::remove_file(other));
}

fn with_odd_standard_error(how: &str, key: Key) {
    // SAFETY: no thread but this one; nothing here writes to standard error afterwards.
    let close = || unsafe { libc::close(libc::STDERR_FILENO) };
    // SAFETY: as in a C program; Rust's runtime ignores the signal.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    match how {
        "closed" => {
            close();
        }
        "unread" => {
            let mut ends = [0; 2];
            // SAFETY: room for two descriptors, which are open and this function's own.
            unsafe {
                assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
                libc::dup2(ends[1], libc::STDERR_FILENO);
                libc::close(ends[0]);
                libc::close(ends[1]);
            }
        }
        _ => {}
    }
    assert_eq!(outcome(Module::initialize("no=such")).map(|_| ()), Err(RvError::ArgumentsBad));
    say("refused");
    let module = Module::initialize(&format!("log=trace {READERS}")).expect("C_Initialize");
    if how == "given-up" {
        close();
    }
    module.logged_in(key).sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").expect("a signature");
    say("signed");
}

fn memory(key: Key) {
    let module = Module::start();
    let (slot, mut session) = (module.slot(Reader::First, key).id(), 0);
    assert_eq!(call!(C_OpenSession(slot, CKF_SERIAL_SESSION, null_mut(), None, &raw mut session)), CKR_OK);
    let mut random = vec![0; 1 << 20];
    let empty = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: null_mut(), ulValueLen: 0 };
    let mut template = vec![empty; 4096];
    let mut calls = |length| {
        let random = call!(C_GenerateRandom(session, random.as_mut_ptr(), length));
        let search = call!(C_FindObjectsInit(session, template.as_mut_ptr(), template.len() as u64));
        (random, search)
    };
    // What the first call needs once, such as a connection, is not what a caller decides the size of.
    assert_eq!(calls(1), (CKR_OK, CKR_OK));
    assert_eq!(call!(C_FindObjectsFinal(session)), CKR_OK);
    let limit = no_more_memory();
    let without = calls(1 << 20);
    // SAFETY: the limit that there was.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    say(&format!("without memory: {without:x?}"));
    say(&format!("with memory: {:x?}", calls(16)));
}

/// Takes care that the process gets no piece of 64 kB or more, and gives the limit that there was.
fn no_more_memory() -> libc::rlimit {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: u64 = statm.split(' ').next().and_then(|size| size.parse().ok()).expect("a size in pages");
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: numbers to and from the kernel, and memory that nobody uses or gives back.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_AS, &raw mut before), 0);
        let page = u64::try_from(libc::sysconf(libc::_SC_PAGESIZE)).expect("the size of a page");
        let now = libc::rlimit { rlim_cur: pages * page, ..before };
        assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &raw const now), 0);
        while !libc::malloc(64 << 10).is_null() {}
    }
    before
}

/// The return value of a call that has failed.
fn error_of(answer: cryptoki::error::Result<()>) -> Option<RvError> {
    match answer {
        Err(Error::Pkcs11(error, _)) => Some(error),
        answer => answer.map(|()| None).expect("an answer of the module"),
    }
}

fn ready_and_wait() {
    say("ready");
    // An error ends the wait as well.
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

fn say(line: &str) {
    println!("{line}");
    io::stdout().flush().expect("somebody reads");
}

/// Forks, and waits for the child, which runs `work` and ends with its result as the exit status.
fn fork_and(work: impl FnOnce() -> u8) -> String {
    // SAFETY: this process has a single thread, so the child may call anything.
    match unsafe { libc::fork() } {
        -1 => panic!("no fork: {}", io::Error::last_os_error()),
        0 => std::process::exit(work().into()),
        child => {
            let mut status = 0;
            // SAFETY: a child of ours, and a place for its status.
            let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(ended, child);
            if libc::WIFEXITED(status) {
                format!("ended with {}", libc::WEXITSTATUS(status))
            } else {
                format!("killed by signal {}", libc::WTERMSIG(status))
            }
        }
    }
}

/// What a child of a fork does with the module. Returns 0 for success, otherwise the number of the failed check.
fn child(key: Key) -> u8 {
    let mut count = 0;
    let list = |count: &mut _| call!(C_GetSlotList(1, std::ptr::null_mut(), count));
    if list(&mut count) != CKR_CRYPTOKI_NOT_INITIALIZED {
        return 1;
    }
    if call!(C_Finalize(std::ptr::null_mut())) != CKR_CRYPTOKI_NOT_INITIALIZED {
        return 2;
    }
    if call!(C_Initialize(std::ptr::null_mut())) != CKR_OK {
        return 3;
    }
    if list(&mut count) != CKR_OK || count == 0 {
        return 4;
    }
    if call!(C_Finalize(std::ptr::null_mut())) != CKR_OK {
        return 5;
    }
    let module = Module::start();
    let session = module.logged_in(key);
    if session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").is_err() {
        return 6;
    }
    0
}
