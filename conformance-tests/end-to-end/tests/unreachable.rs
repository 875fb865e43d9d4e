//! A PC/SC service that cannot be reached: the log says why, and a card that is in its reader stays what it was.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

use cryptoki::error::RvError;
use cryptoki::session::UserType;
use jpki_end_to_end::{Key, Module, Objects, Reader, Turn, VirtualCard, is, pin, restart_pcscd, scratch};

/// A log file that is removed with this value.
struct LogFile(PathBuf);

impl LogFile {
    fn new() -> Self {
        LogFile(scratch("unreachable.log"))
    }

    /// The module with its log in here.
    fn module(&self) -> Module {
        Module::start_with(&format!("log=info log-file=\"{}\"", self.0.display()), "").expect("C_Initialize")
    }

    /// The lines of this level.
    fn lines(&self, level: &str) -> Vec<String> {
        let log = fs::read_to_string(&self.0).expect("the log");
        let start = format!("jpki-pkcs11 {level} ");
        log.lines().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Lets this process have no more descriptors, until the value is dropped.
struct NoDescriptors(libc::rlimit);

impl NoDescriptors {
    fn new() -> Self {
        let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: writes into `before`.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut before) }, 0);
        // Those of the three standard streams are taken. With fewer poll() fails as well, also for a socket that is open.
        let none = libc::rlimit { rlim_cur: 3, ..before };
        // SAFETY: reads `none`.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) }, 0);
        NoDescriptors(before)
    }
}

impl Drop for NoDescriptors {
    fn drop(&mut self) {
        // SAFETY: reads what was the limit before.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const self.0) };
    }
}

#[test]
fn in_a_private_stack_a_service_that_is_not_there_is_said_once() {
    let _turn = Turn::take();
    let log = LogFile::new();
    let mut started = None;
    restart_pcscd(|| {
        let module = log.module();
        for _ in 0..20 {
            assert!(module.client.get_all_slots().unwrap().is_empty());
        }
        started = Some(module);
    });
    let module = started.unwrap();
    for _ in 0..20 {
        assert_eq!(module.client.get_all_slots().unwrap().len(), 4);
    }
    let errors = log.lines("ERROR");
    assert!(errors.len() == 1 && errors[0].contains("systemctl start pcscd.socket"), "{errors:#?}");
    let again = log.lines("INFO").into_iter().filter(|line| line.contains("can be reached again")).count();
    assert_eq!(again, 1);
}

#[test]
fn without_a_free_descriptor_the_card_stays_and_the_session_too() {
    let _turn = Turn::take();
    let (_card, log) = (VirtualCard::start(Reader::First, &[]), LogFile::new());
    let module = log.module();
    let session = module.session(Key::Auth);
    let right = pin(Key::Auth.pin());
    let none = NoDescriptors::new();
    // More often than a connection may fail in a row.
    for _ in 0..5 {
        is(session.login(UserType::User, Some(&right)), RvError::DeviceError);
        session.get_session_info().expect("a session");
    }
    let with_token = module.client.get_slots_with_token().unwrap().len();
    drop(none);
    assert_eq!(with_token, 2);
    session.login(UserType::User, Some(&right)).unwrap();
    session.sign_well().unwrap();
    let errors = log.lines("ERROR").into_iter().filter(|line| line.starts_with("the card cannot be reached"));
    let errors: Vec<_> = errors.collect();
    assert!(errors.len() == 1 && errors[0].contains("no file descriptor is free"), "{errors:#?}");
}

/// The socket of pcscd, and what its client sends there: the length and the number of the command, then three numbers of
/// four bytes, of which the last one is the result in the answer.
const SOCKET: &str = "/run/pcscd/pcscd.comm";
const COMMAND_VERSION: u32 = 0x11;

/// Answers every client as pcscd does, with these results for the version of the protocol and for a new context.
fn answer_clients(listener: &UnixListener, version: u32, context: u32) {
    for client in listener.incoming() {
        let Ok(mut client) = client else { return };
        let mut request = [0; 20];
        while client.read_exact(&mut request).is_ok() {
            let command = u32::from_ne_bytes(request[4..8].try_into().unwrap());
            let result = if command == COMMAND_VERSION { version } else { context };
            let answer = [&request[8..16], &result.to_ne_bytes()].concat();
            if client.write_all(&answer).is_err() {
                break;
            }
        }
    }
}

#[test]
fn in_a_private_stack_a_service_that_refuses_says_why() {
    let _turn = Turn::take();
    for (version, context, cause) in
        [(0x8010_001E, 0, "another version of its protocol"), (0, 0x8010_006A, "/etc/polkit-1/rules.d")]
    {
        let log = LogFile::new();
        restart_pcscd(|| {
            fs::remove_file(SOCKET).unwrap();
            let listener = UnixListener::bind(SOCKET).unwrap();
            // Ends with this process.
            thread::spawn(move || answer_clients(&listener, version, context));
            let module = log.module();
            for _ in 0..20 {
                assert!(module.client.get_all_slots().unwrap().is_empty());
            }
        });
        let errors = log.lines("ERROR");
        assert!(errors.len() == 1 && errors[0].contains(cause), "{errors:#?}");
    }
}
