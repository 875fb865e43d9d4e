//! Programs on NSS, through which browsers and LibreOffice use a card: its own test client for TLS, and poppler's
//! pdfsig.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use jpki_end_to_end::{Key, Pkcs11Tool, Reader, Turn, VirtualCard, module_path, run, scratch, wait_until};

/// A database of NSS, in a folder of its own, that has the module and trusts the authorities of the card.
struct Database(PathBuf);

impl Database {
    /// With settings for `modutil -string`.
    fn new(settings: &str) -> Self {
        let database = Database(scratch("nss"));
        fs::create_dir(&database.0).unwrap();
        let _ = run(database.tool("certutil").args(["-N", "--empty-password"])).good();
        let mut modutil = Command::new("modutil");
        modutil.arg("-dbdir").arg(database.name()).args(["-force", "-add", "JPKI", "-libfile"]).arg(module_path());
        let _ = run(modutil.args(["-string", settings])).good();
        for key in Key::ALL {
            let ca = database.0.join("ca.der");
            fs::write(&ca, Pkcs11Tool::default().ca_certificate(key)).unwrap();
            let name = format!("CA of {}", key.token_label());
            let _ = run(database.tool("certutil").args(["-A", "-t", "CT,C,C", "-n", &name, "-i"]).arg(&ca)).good();
        }
        database
    }

    fn name(&self) -> String {
        format!("sql:{}", self.0.display())
    }

    fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-d").arg(self.name());
        command
    }

    /// pdfsig, which answers every password prompt with the PIN of a key.
    fn pdfsig(&self, key: Key) -> Command {
        let mut command = Command::new("pdfsig");
        command.arg("-nssdir").arg(self.name()).args(["-nss-pwd", key.pin()]);
        command
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// NSS's name of the holder's certificate.
fn nickname(key: Key) -> String {
    format!("{}:{}", key.token_label(), key.token_label().trim_start_matches("JPKI "))
}

/// A server that requires a certificate of the card's authority, and shows the client's.
struct Server {
    program: Child,
    port: String,
    files: Vec<PathBuf>,
}

impl Server {
    fn start() -> Self {
        let files = ["key", "certificate", "ca"].map(scratch);
        let [key, certificate, ca] = &files;
        let mut request = Command::new("openssl");
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]);
        let _ = run(request.arg("-keyout").arg(key).arg("-out").arg(certificate)).good();
        fs::write(ca, Pkcs11Tool::default().ca_certificate(Key::Auth)).unwrap();
        let pem = run(Command::new("openssl").args(["x509", "-inform", "DER", "-in"]).arg(ca)).good();
        fs::write(ca, pem).unwrap();
        // A free port.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let mut server = Command::new("openssl");
        server.args(["s_server", "-www", "-accept", &port, "-Verify", "2", "-verify_return_error", "-CAfile"]);
        server.arg(ca).arg("-key").arg(key).arg("-cert").arg(certificate);
        let program = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Server { program, port, files: files.to_vec() };
        wait_until("the server listens", || TcpStream::connect(format!("127.0.0.1:{}", server.port)).is_ok());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }
}

#[test]
fn tls_of_the_browsers_authenticates_with_the_card() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    let (database, server) = (Database::new("slots=auth"), Server::start());
    let request = database.0.join("request");
    fs::write(&request, "GET / HTTP/1.0\r\n\r\n").unwrap();
    for (version, name) in [("tls1.2", "TLSv1.2"), ("tls1.3", "TLSv1.3")] {
        let client = |certificate: &[&str]| {
            let mut command = database.tool("tstclnt");
            command.args(["-h", "127.0.0.1", "-p", &server.port, "-V", &format!("{version}:{version}")]);
            // -o: the client does not check the server's certificate.
            run(command.arg("-o").args(certificate).arg("-A").arg(&request)).text
        };
        let page = client(&["-n", &nickname(Key::Auth), "-w", Key::Auth.pin()]);
        assert!(page.contains(&format!("New, {name}")), "{page}");
        assert!(page.contains("Verify return code: 0 (ok)") && page.contains("CN=DEMO"), "{page}");
        assert_eq!(card.state().verified, "");
        let without = client(&[]);
        assert!(!without.contains("Verify return code: 0 (ok)"), "accepted without a certificate: {without}");
    }
}

/// A PDF of one empty page.
fn pdf() -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<<>>>>",
    ];
    let mut text = "%PDF-1.7\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        table += &format!("{:010} 00000 n \n", text.len());
        text += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let start = text.len();
    text += &format!("{table}trailer<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    text.into_bytes()
}

#[test]
fn poppler_signs_a_document() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    let database = Database::new("slots=sign");
    let [document, signed] = ["in.pdf", "out.pdf"].map(|name| database.0.join(name));
    fs::write(&document, pdf()).unwrap();
    let mut pdfsig = database.pdfsig(Key::Sign);
    pdfsig.args(["-add-signature", "-nick", &nickname(Key::Sign)]).arg(&document).arg(&signed);
    let _ = run(&mut pdfsig).good();
    assert_eq!(card.state().verified, "");
    let text = run(database.pdfsig(Key::Sign).arg(&signed)).good();
    for wanted in ["Signature is Valid", "Certificate is Trusted", "Total document signed"] {
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn one_password_for_all_tokens_costs_no_try() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    let database = Database::new("slots=both");
    let document = database.0.join("in.pdf");
    fs::write(&document, pdf()).unwrap();
    for key in Key::ALL {
        // poppler logs in to each token with the same password before it does anything.
        let mut pdfsig = database.pdfsig(key);
        pdfsig.args(["-add-signature", "-nick", &nickname(key)]).arg(&document).arg(database.0.join("out.pdf"));
        let output = run(&mut pdfsig);
        assert!(output.success || output.text.contains("Password was not accepted"), "{key:?}: {}", output.text);
        let state = card.state();
        assert_eq!(
            (state.auth_tries, state.sign_tries, state.verified.as_str()),
            (3, 5, ""),
            "{key:?}: {}",
            output.text
        );
    }
}
