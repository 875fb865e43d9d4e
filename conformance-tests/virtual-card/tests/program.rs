//! The program with this test as its vpcd: its protocol, its control channel, its end.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_jpki-virtual-card");
const SELECT_JPKI: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
const VERIFY_AUTH: &[u8] = b"\x00\x20\x00\x98\x041234";

/// The program with a card, and its connection to this test in the place of vpcd.
struct Stand {
    program: Child,
    vpcd: TcpListener,
    link: TcpStream,
    socket: PathBuf,
    log: PathBuf,
}

impl Stand {
    fn new(name: &str) -> Stand {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).unwrap();
        let (socket, log) = (dir.join("control"), dir.join("log"));
        if log.exists() {
            fs::remove_file(&log).unwrap();
        }
        let vpcd = TcpListener::bind("127.0.0.1:0").unwrap();
        let program = Command::new(PROGRAM)
            .arg("--identity")
            .arg(dir.with_file_name("identity"))
            .arg("--control")
            .arg(&socket)
            .arg("--log")
            .arg(&log)
            .arg("--port")
            .arg(vpcd.local_addr().unwrap().port().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let link = accept(&vpcd);
        Stand { program, vpcd, link, socket, log }
    }

    fn send(&mut self, message: &[u8]) {
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        self.link.write_all(&length).unwrap();
        self.link.write_all(message).unwrap();
    }

    fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        let mut length = [0; 2];
        self.link.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.link.read_exact(&mut answer).unwrap();
        answer
    }

    /// Whether the card has left the reader.
    fn is_gone(&mut self) -> bool {
        matches!(self.link.read(&mut [0]), Ok(0))
    }

    /// Sends one line over the control channel, and returns the last line of the answer.
    fn control(&self, line: &str) -> String {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        writeln!(stream, "{line}").unwrap();
        let lines = BufReader::new(stream).lines().map(Result::unwrap);
        lines.into_iter().find(|line| line.starts_with("ok") || line.starts_with("error")).unwrap()
    }

    fn end(mut self) {
        assert!(self.program.wait().unwrap().success());
        assert!(!self.socket.exists());
    }
}

/// A failed test leaves no program behind.
impl Drop for Stand {
    fn drop(&mut self) {
        // An error means that the program has already ended.
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

fn accept(vpcd: &TcpListener) -> TcpStream {
    let (link, _) = vpcd.accept().unwrap();
    link.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    link
}

fn control_program(stand: &Stand, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("control").arg(&stand.socket).args(arguments).output().unwrap()
}

#[test]
fn it_speaks_vpcds_protocol() {
    let mut stand = Stand::new("protocol");
    assert_eq!(stand.ask(&[4]), b"\x3B\xE0\x00\xFF\x81\x31\xFE\x45\x14");
    let mut ready = String::new();
    let mut output = BufReader::new(stand.program.stdout.take().unwrap());
    output.read_line(&mut ready).unwrap();
    assert!(ready.starts_with("ready"), "{ready}");

    stand.send(&[1]);
    assert_eq!(stand.ask(SELECT_JPKI), b"\x90\x00");
    assert_eq!(stand.ask(VERIFY_AUTH), b"\x90\x00");
    stand.send(&[2]);
    assert_eq!(stand.ask(b"\x00\xB0\x88\x00\x00"), b"\x8F\x8F\x00\x90\x00");
    assert!(stand.control("state").contains("verified=auth "));
    stand.send(&[0]);
    stand.send(&[1]);
    assert_eq!(stand.ask(b"\x00\xB0\x00\x00\x00"), b"\x69\x86");

    let log = fs::read_to_string(&stand.log).unwrap();
    assert!(log.contains("00 20 00 98 04 ** ** ** ** -> 90 00\n"), "{log}");
    assert_eq!(stand.control("quit"), "ok");
    stand.end();
}

#[test]
fn the_card_is_taken_out_and_put_back() {
    let mut stand = Stand::new("removal");
    stand.send(&[1]);
    assert_eq!(stand.ask(SELECT_JPKI), b"\x90\x00");
    assert_eq!(stand.control("remove"), "ok");
    assert!(stand.is_gone());
    // The program may need a moment to notice the end of the connection.
    let start = Instant::now();
    while !stand.control("state").starts_with("ok inserted=false powered=false") {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", stand.control("state"));
    }

    assert_eq!(stand.control("insert"), "ok");
    stand.link = accept(&stand.vpcd);
    stand.send(&[1]);
    assert_eq!(stand.ask(b"\x00\xB0\x00\x00\x00"), b"\x69\x86");
    assert_eq!(stand.control("remove-after 2"), "ok");
    assert_eq!(stand.ask(SELECT_JPKI), b"\x90\x00");
    stand.send(SELECT_JPKI);
    assert!(stand.is_gone());
    assert_eq!(stand.control("quit"), "ok");
    stand.end();
}

#[test]
fn it_comes_back_when_vpcd_does() {
    let mut stand = Stand::new("restart");
    stand.send(&[1]);
    assert_eq!(stand.ask(SELECT_JPKI), b"\x90\x00");
    stand.link = accept_again(&stand);
    assert!(stand.control("state").contains("powered=false application=IssuerSecurityDomain"));
    assert_eq!(stand.control("quit"), "ok");
    stand.end();
}

/// Breaks the connection and waits for the next.
fn accept_again(stand: &Stand) -> TcpStream {
    stand.link.shutdown(std::net::Shutdown::Both).unwrap();
    accept(&stand.vpcd)
}

#[test]
fn the_control_channel() {
    let mut stand = Stand::new("control");
    let mode = fs::metadata(&stand.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    stand.send(&[1]);
    assert_eq!(stand.ask(SELECT_JPKI), b"\x90\x00");
    assert_eq!(stand.control("stats"), "ok apdus=1 bytes=17");
    assert_eq!(stand.control("clear"), "ok");
    assert_eq!(stand.control("stats"), "ok apdus=0 bytes=0");

    assert_eq!(stand.control("answer 1 6F00"), "ok");
    assert_eq!(stand.ask(VERIFY_AUTH), b"\x6F\x00");
    assert_eq!(stand.control("answer-ins 20 1 63C1"), "ok");
    assert_eq!(stand.ask(VERIFY_AUTH), b"\x63\xC1");
    assert_eq!(stand.control("set-tries auth 1"), "ok");
    assert_eq!(stand.ask(b"\x00\x20\x00\x98"), b"\x63\xC1");
    assert_eq!(stand.control("set-pin auth 9999"), "ok");
    assert_eq!(stand.ask(VERIFY_AUTH), b"\x63\xC0");
    assert_eq!(stand.control("set-tries auth 3"), "ok");
    assert_eq!(stand.ask(b"\x00\x20\x00\x98\x049999"), b"\x90\x00");
    assert_eq!(
        stand.control("state"),
        "ok inserted=true powered=true application=Jpki file=0018 verified=auth auth-tries=3 sign-tries=5"
    );
    assert_eq!(stand.control("select-other"), "ok");
    assert!(stand.control("state").contains("application=Common file=none verified= "));
    assert_eq!(stand.control("power-cycle"), "ok");
    assert!(stand.control("state").contains("powered=true application=IssuerSecurityDomain"));

    for wrong in ["", "dance", "mute loudly", "answer 1 9", "answer-ins 2 1 9000", "set-tries auth x"] {
        assert!(stand.control(wrong).starts_with("error "), "{wrong}");
    }
    let output = control_program(&stand, &["log"]);
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(log.contains("00 20 00 98 04 ** ** ** ** -> 90 00\n"), "{log}");
    assert!(log.ends_with("\nok\n"), "{log}");
    let output = control_program(&stand, &["dance"]);
    assert!(!output.status.success());
    assert_eq!(stand.control("quit"), "ok");
    stand.end();
}

#[test]
fn a_mute_card_does_not_answer() {
    let mut stand = Stand::new("mute");
    stand.send(&[1]);
    assert_eq!(stand.control("mute on"), "ok");
    stand.send(SELECT_JPKI);
    let timeout = Some(Duration::from_millis(200));
    stand.link.set_read_timeout(timeout).unwrap();
    let silence = stand.link.read(&mut [0]).unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    assert_eq!(stand.control("quit"), "ok");
    stand.end();
}

#[test]
fn a_signal_ends_it_properly() {
    let mut stand = Stand::new("signal");
    stand.ask(&[4]);
    rustix::process::kill_process(rustix::process::Pid::from_child(&stand.program), rustix::process::Signal::TERM)
        .unwrap();
    stand.end();
}

#[test]
fn it_writes_its_certificates() {
    for pem in certificates("certificates", &[]) {
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
    }
}

#[test]
fn another_generation_is_another_card_beside_that_of_the_identity() {
    let before = certificates("generation-none", &[]);
    let second = certificates("generation-2019", &["--ca-generation", "2019"]);
    assert!(second.iter().all(|pem| !before.contains(pem)));
    assert_eq!(certificates("generation-2019", &["--ca-generation", "2019"]), second, "made once");
    assert_eq!(certificates("generation-none", &[]), before, "the identity is unchanged");
}

/// The certificates of the tests' identity, which the program writes into a folder of this name.
fn certificates(name: &str, arguments: &[&str]) -> Vec<String> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let output = Command::new(PROGRAM)
        .arg("certificates")
        .arg(dir.join(name))
        .arg("--identity")
        .arg(dir.join("identity"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success());
    let paths = String::from_utf8(output.stdout).unwrap();
    assert_eq!(paths.lines().count(), 6);
    paths.lines().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn its_help_names_every_scenario() {
    for (arguments, words) in [
        (
            &["--help"][..],
            &["Examples:", "--leave", "refused-all", "protected-blank", "--filler", "6A88", "--no-pss"][..],
        ),
        (&["run", "--help"], &["--auth-pin", "--first-command-6f00", "android", "--ca-generation"]),
        (&["control", "--help"], &["remove-after", "select-other", "set-tries"]),
    ] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        for word in words {
            assert!(help.contains(word), "{arguments:?} does not mention {word}");
        }
    }
}
