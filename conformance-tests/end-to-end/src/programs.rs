//! Programs that this project did not write.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::paths::{module_path, scratch};
use crate::{Key, Reader};

/// The result of a program.
#[derive(Debug)]
pub struct Output {
    /// Its exit status was 0.
    pub success: bool,
    /// What it printed, standard error after standard output.
    pub text: String,
    /// What it printed to standard output, unchanged.
    pub bytes: Vec<u8>,
}

impl Output {
    /// What it printed.
    ///
    /// # Panics
    /// If it failed.
    #[track_caller]
    #[must_use]
    pub fn good(self) -> String {
        assert!(self.success, "the program failed:\n{}", self.text);
        self.text
    }
}

/// Runs a program to its end.
///
/// # Panics
/// If it is not installed.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{name} cannot be run ({error}): is it installed?"));
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
    Output { success: output.status.success(), text, bytes: output.stdout }
}

/// pkcs11-tool of OpenSC, with our module or another one.
pub struct Pkcs11Tool {
    module: PathBuf,
}

impl Default for Pkcs11Tool {
    fn default() -> Self {
        Pkcs11Tool { module: module_path() }
    }
}

impl Pkcs11Tool {
    /// With another module than ours.
    #[must_use]
    pub fn with_module(module: &Path) -> Self {
        Pkcs11Tool { module: module.to_owned() }
    }

    /// Runs it with these arguments.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Output {
        run(Command::new("pkcs11-tool").arg("--module").arg(&self.module).args(arguments))
    }

    /// The same with one of the tokens, with or without login.
    #[track_caller]
    pub fn on(&self, key: Key, login: bool, arguments: &[&str]) -> Output {
        let mut all = vec!["--token-label", key.token_label()];
        if login {
            all.extend(["--login", "--pin", key.pin()]);
        }
        all.extend(arguments);
        self.run(&all)
    }

    /// The holder's certificate in DER.
    ///
    /// # Panics
    /// If it cannot be had.
    #[track_caller]
    #[must_use]
    pub fn certificate(&self, key: Key) -> Vec<u8> {
        self.read_certificate(key, true, key.token_label().trim_start_matches("JPKI "))
    }

    /// The certificate of the holder's authority in DER.
    ///
    /// # Panics
    /// If it cannot be had.
    #[track_caller]
    #[must_use]
    pub fn ca_certificate(&self, key: Key) -> Vec<u8> {
        self.read_certificate(key, false, &format!("{} CA", key.token_label().trim_start_matches("JPKI ")))
    }

    #[track_caller]
    fn read_certificate(&self, key: Key, login: bool, label: &str) -> Vec<u8> {
        let file = scratch("certificate");
        let path = file.to_str().expect("a path in UTF-8");
        let arguments = ["--read-object", "--type", "cert", "--label", label, "--output-file", path];
        let _ = self.on(key, login, &arguments).good();
        let certificate = fs::read(&file).expect("the certificate that pkcs11-tool wrote");
        let _ = fs::remove_file(&file);
        certificate
    }
}

/// The public key of a certificate, as PEM, by OpenSSL.
///
/// # Panics
/// If OpenSSL cannot read the certificate.
#[track_caller]
#[must_use]
pub fn certificate_key(der: &[u8]) -> String {
    with_files(&[der], |files| {
        let mut command = Command::new("openssl");
        run(command.args(["x509", "-inform", "DER", "-noout", "-pubkey", "-in"]).args(files)).good()
    })
}

/// Whether OpenSSL accepts a signature of `data` with the key in the certificate. `options` are those of `openssl
/// dgst`, or of `openssl pkeyutl` if they begin with `pkeyutl`.
#[track_caller]
#[must_use]
pub fn verifies(certificate: &[u8], options: &[&str], data: &[u8], signature: &[u8]) -> bool {
    let key = certificate_key(certificate);
    with_files(&[key.as_bytes(), data, signature], |files| {
        let [key, data, signature] = files else { panic!("three files") };
        let mut command = Command::new("openssl");
        match options.split_first() {
            Some((&"pkeyutl", options)) => {
                command.args(["pkeyutl", "-verify", "-pubin", "-inkey"]).arg(key).arg("-in").arg(data);
                command.arg("-sigfile").arg(signature).args(options);
            }
            _ => {
                command.arg("dgst").args(options).arg("-verify").arg(key).arg("-signature").arg(signature).arg(data);
            }
        }
        run(&mut command).success
    })
}

/// Passes files with these contents to `use_them`, and removes them afterwards.
fn with_files<T>(contents: &[&[u8]], use_them: impl FnOnce(&[PathBuf]) -> T) -> T {
    let files: Vec<_> = contents.iter().map(|_| scratch("file")).collect();
    for (file, content) in files.iter().zip(contents) {
        fs::write(file, content).expect("a temporary file");
    }
    let answer = use_them(&files);
    for file in files {
        let _ = fs::remove_file(file);
    }
    answer
}

/// The name of a reader's slot, as programs show it.
#[must_use]
pub fn slot_name(reader: Reader, key: Key) -> String {
    format!("{} ({})", reader.name(), key.name())
}
