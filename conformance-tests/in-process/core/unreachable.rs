//! A PC/SC service that cannot be reached: what a program finds, and what the log says of it.

use cryptoki_sys::*;
use jpki_pkcs11::core::Error;
use jpki_pkcs11::settings::Settings;
use jpki_pkcs11::transport::Error as Failure;

use super::{AUTH_SLOT, Program, module_on, plain};
use crate::logs::logged;
use crate::machine::Machine;
use crate::support::{AUTH, READER, pin};

/// Why no program can reach the service, and words for the cause and for the cure.
const SERVICE: [(Failure, &str, &str); 6] = [
    (Failure::ServiceGone, "not installed or not running", "systemctl start pcscd.socket"),
    (Failure::OtherVersion, "another version", "install the version of the host"),
    (Failure::Denied, "refuses this user", "/etc/polkit-1/rules.d"),
    (Failure::NoPermission, "permission denied", "/run/pcscd/pcscd.comm"),
    (Failure::NoLocalSockets, "no local sockets", "AF_UNIX"),
    (Failure::NoDescriptors, "no file descriptor is free", "ulimit -n"),
];

/// The lines of this level, without what stands before the message.
fn lines(log: &str, level: &str) -> Vec<String> {
    let messages = log.lines().filter_map(|line| line.strip_prefix(level)?.trim_start().split_once(' '));
    messages.map(|(_, message)| message.to_owned()).collect()
}

#[test]
fn why_there_are_no_slots_is_said_once_for_each_change() {
    for (failure, cause, cure) in SERVICE {
        let log = logged(|| {
            let machine = Machine::new(&[READER]);
            machine.set_unreachable(Some(failure));
            let module = module_on(&machine, Settings::default());
            for _ in 0..20 {
                assert_eq!(module.slot_ids(false, true), [0; 0], "{failure:?}");
            }
            machine.set_unreachable(None);
            for _ in 0..20 {
                assert_eq!(module.slot_ids(false, true), [0, 1], "{failure:?}");
            }
        });
        let errors = lines(&log, "ERROR");
        assert_eq!(errors.len(), 1, "{failure:?}: {errors:#?}");
        assert!(errors[0].contains(cause) && errors[0].contains(cure), "{failure:?}: {}", errors[0]);
        let again = lines(&log, "INFO").into_iter().filter(|line| line == "PC/SC can be reached again").count();
        assert_eq!(again, 1, "{failure:?}:\n{log}");
    }
}

#[test]
fn another_cause_is_another_line() {
    let log = logged(|| {
        let machine = Machine::new(&[READER]);
        let module = module_on(&machine, Settings::default());
        for failure in [Failure::ServiceGone, Failure::Denied, Failure::ServiceGone] {
            machine.set_unreachable(Some(failure));
            (0..3).for_each(|_| drop(module.slot_ids(false, true)));
        }
    });
    assert_eq!(lines(&log, "ERROR").len(), 3, "{log}");
}

#[test]
fn a_service_that_hides_the_cards_is_named_and_no_card_is_given_up() {
    let log = logged(|| {
        let program = Program::new();
        program.machine.remove(READER);
        assert_eq!(program.slot_ids(true, true), [0; 0]);
        program.machine.refuse_connections(Some(Failure::Denied));
        program.machine.insert(READER, &program.card);
        let start = std::time::Instant::now();
        // Longer than a card that fails is tried.
        while start.elapsed() < std::time::Duration::from_millis(3500) {
            assert_eq!(program.slot_ids(true, true), [0; 0]);
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        program.machine.refuse_connections(None);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        assert_eq!(program.slot_ids(true, true), [0, 1]);
    });
    let errors = lines(&log, "ERROR");
    let denied = errors.iter().filter(|line| line.starts_with("the card cannot be reached")).collect::<Vec<_>>();
    assert!(denied.len() == 1 && denied[0].contains("polkit"), "{errors:#?}");
    assert!(lines(&log, "INFO").iter().any(|line| line == "the card can be reached again"), "{log}");
}

#[test]
fn a_program_that_is_kept_out_keeps_its_session_and_its_login() {
    for failure in [Failure::Denied, Failure::NoPermission, Failure::NoLocalSockets, Failure::NoDescriptors] {
        let program = Program::new();
        let session = program.open(AUTH);
        // Nothing is connected yet.
        program.machine.refuse_connections(Some(failure));
        // More often than a connection may fail in a row.
        for _ in 0..5 {
            let refused = program.login(session, CKU_USER, pin(AUTH));
            assert_eq!(refused.map(|_| ()), Err(Error::DeviceError), "{failure:?}");
        }
        assert!(program.session_info(session).is_ok(), "{failure:?}");
        program.machine.refuse_connections(None);
        program.login(session, CKU_USER, pin(AUTH)).expect("the card was there all the time");

        let key = program.object(session, CKO_PRIVATE_KEY);
        let sign = || {
            program.sign_init(session, plain(CKM_SHA256_RSA_PKCS), key)?;
            program.sign_final(session, b"document").map(|_| ())
        };
        program.machine.set_unreachable(Some(failure));
        assert!(program.session_info(session).is_ok(), "{failure:?}");
        assert!(program.token_info_is_there(), "{failure:?}");
        assert_eq!(sign(), Err(Error::DeviceError), "{failure:?}");
        program.machine.set_unreachable(None);
        assert_eq!(sign(), Ok(()), "{failure:?}: still logged in");
    }
}

#[test]
fn no_slot_has_an_event_while_the_readers_cannot_be_asked() {
    let program = Program::new();
    assert_eq!(program.wait_for_slot_event(false), Err(Error::NoEvent));
    program.machine.set_unreachable(Some(Failure::NoDescriptors));
    assert_eq!(program.wait_for_slot_event(false), Err(Error::NoEvent));
    program.machine.set_unreachable(None);
    assert_eq!(program.wait_for_slot_event(false), Err(Error::NoEvent));
}

impl Program {
    /// The slot shows its token. Asks the reader, and not the card.
    fn token_info_is_there(&self) -> bool {
        self.slot_info(AUTH_SLOT).expect("a slot").flags & CKF_TOKEN_PRESENT != 0
    }
}
