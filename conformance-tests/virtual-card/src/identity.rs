//! The keys and certificates of one card, and where they are stored.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use der::DateTime;
use rand::rngs::OsRng;
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};

use crate::error::Error;
use crate::generation::{CaGeneration, Term};
use crate::hierarchy::Authority;
use crate::pin_kind::PinKind;

/// The two key pairs of one card and their certificates, under an authority of their own.
pub struct Identity {
    auth: KeyPair,
    sign: KeyPair,
}

/// A key of the card, and its certificates.
struct KeyPair {
    key: RsaPrivateKey,
    certificate: Vec<u8>,
    expired: Vec<u8>,
    authority: Vec<u8>,
}

impl Identity {
    /// The identity in `dir`. If there is none, it is made there, which takes a few seconds. Any number of processes
    /// may do this at once: the folder appears complete or not at all, and all processes get the same identity.
    ///
    /// The folder holds `auth.key.pem`, `sign.key.pem` and the keys of their authorities (PKCS #8), and the
    /// certificates as DER (`auth.cer`, `auth-expired.cer`, `auth-ca.cer`, and the same for `sign`).
    pub fn load_or_create(dir: &Path) -> Result<Identity, Error> {
        make_if_missing(dir, None)?;
        Identity::load(dir)
    }

    /// The identity in `dir` as a card of a certain generation of authorities, with keys of its own: it is in a folder
    /// inside `dir` (`ca-2015`, `ca-2019`, `ca-2023`), which has the same files as `dir` and is made in the same way.
    pub fn load_or_create_of(dir: &Path, generation: CaGeneration) -> Result<Identity, Error> {
        make_if_missing(dir, None)?; // first: it cannot be put in place once the inner folder is there
        let dir = dir.join(generation.folder());
        make_if_missing(&dir, Some(generation))?;
        Identity::load(&dir)
    }

    fn load(dir: &Path) -> Result<Identity, Error> {
        Ok(Identity { auth: KeyPair::load(dir, "auth")?, sign: KeyPair::load(dir, "sign")? })
    }

    /// The certificate for user authentication, DER.
    pub fn auth_certificate(&self) -> &[u8] {
        &self.auth.certificate
    }

    /// The certificate for digital signature, DER.
    pub fn sign_certificate(&self) -> &[u8] {
        &self.sign.certificate
    }

    /// The expired certificate for user authentication of the same key, DER.
    pub fn expired_auth_certificate(&self) -> &[u8] {
        &self.auth.expired
    }

    /// The expired certificate for digital signature of the same key, DER.
    pub fn expired_sign_certificate(&self) -> &[u8] {
        &self.sign.expired
    }

    /// The authority for user authentication, DER.
    pub fn auth_ca_certificate(&self) -> &[u8] {
        &self.auth.authority
    }

    /// The authority for digital signature, DER.
    pub fn sign_ca_certificate(&self) -> &[u8] {
        &self.sign.authority
    }

    /// The private key behind a PIN.
    pub(crate) fn key(&self, kind: PinKind) -> &RsaPrivateKey {
        match kind {
            PinKind::Authentication => &self.auth.key,
            PinKind::Signature => &self.sign.key,
        }
    }
}

/// Without the keys.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl KeyPair {
    fn load(dir: &Path, kind: &str) -> Result<KeyPair, Error> {
        let path = dir.join(format!("{kind}.key.pem"));
        let pem = String::from_utf8_lossy(&read(&path)?).into_owned();
        Ok(KeyPair {
            key: RsaPrivateKey::from_pkcs8_pem(&pem).map_err(|error| Error::Key(path, error))?,
            certificate: read(&dir.join(format!("{kind}.cer")))?,
            expired: read(&dir.join(format!("{kind}-expired.cer")))?,
            authority: read(&dir.join(format!("{kind}-ca.cer")))?,
        })
    }
}

/// Makes an identity beside `dir` and moves it to `dir`. If another process was faster, that one's identity stays.
fn make_if_missing(dir: &Path, generation: Option<CaGeneration>) -> Result<(), Error> {
    if dir.join("auth.key.pem").exists() {
        return Ok(());
    }
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut draft_name = dir.file_name().unwrap_or_default().to_os_string();
    let (process, number) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    draft_name.push(format!(".{process}-{number}.tmp"));
    let draft = dir.with_file_name(draft_name);

    create_folder(&draft)?;
    let placed = fill(&draft, generation).and_then(|()| match fs::rename(&draft, dir) {
        Err(error) if !dir.join("auth.key.pem").exists() => Err(Error::File(dir.to_owned(), error)),
        _ => Ok(()),
    });
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(|error| Error::File(draft, error))?;
    }
    placed
}

fn fill(dir: &Path, generation: Option<CaGeneration>) -> Result<(), Error> {
    let now = DateTime::from_system_time(SystemTime::now())?;
    for (name, kind) in [("auth", PinKind::Authentication), ("sign", PinKind::Signature)] {
        let authority_key = RsaPrivateKey::new(&mut OsRng, 2048)?;
        write_key(&dir.join(format!("{name}-ca.key.pem")), &authority_key)?;
        let term = match generation {
            Some(generation) => Term::of(generation)?,
            None => Term::around(now)?,
        };
        let day = term.day_of_issue(now)?;
        let authority = Authority::new(kind, authority_key, term)?;
        let key = RsaPrivateKey::new(&mut OsRng, 2048)?;
        write_key(&dir.join(format!("{name}.key.pem")), &key)?;
        let public = key.to_public_key();
        let valid = authority.issue(&public, day)?;
        let expired = authority.issue_expired(&public, day)?;
        write(&dir.join(format!("{name}.cer")), &valid)?;
        write(&dir.join(format!("{name}-expired.cer")), &expired)?;
        write(&dir.join(format!("{name}-ca.cer")), &authority.certificate)?;
    }
    Ok(())
}

fn create_folder(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| Error::File(path.to_owned(), error))
}

fn write_key(path: &Path, key: &RsaPrivateKey) -> Result<(), Error> {
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| Error::Key(path.to_owned(), error))?;
    write(path, pem.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Error::File(path.to_owned(), error))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File(path.to_owned(), error))
}

/// The identity that tests share: made once for each user of a machine, in the folder for temporary files.
///
/// # Panics
///
/// If it can neither be read nor made.
pub fn test_identity() -> Arc<Identity> {
    test_identity_named("first")
}

/// A further identity for tests that need more than one card, like [`test_identity`].
///
/// # Panics
///
/// If it can neither be read nor made.
pub fn test_identity_named(name: &str) -> Arc<Identity> {
    shared(name, None)
}

/// [`test_identity`] as a card of a certain generation of authorities.
///
/// # Panics
///
/// If it can neither be read nor made.
pub fn test_identity_of(generation: CaGeneration) -> Arc<Identity> {
    shared("first", Some(generation))
}

fn shared(name: &str, generation: Option<CaGeneration>) -> Arc<Identity> {
    type Cache = HashMap<(String, Option<CaGeneration>), Arc<Identity>>;
    static CACHE: OnceLock<Mutex<Cache>> = OnceLock::new();
    let mut cache = CACHE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let key = (name.to_owned(), generation);
    if let Some(identity) = cache.get(&key) {
        return Arc::clone(identity);
    }
    let user = rustix::process::getuid().as_raw();
    let dir = std::env::temp_dir().join(format!("jpki-virtual-card-tests-{user}")).join(name);
    let identity = match generation {
        Some(generation) => Identity::load_or_create_of(&dir, generation),
        None => Identity::load_or_create(&dir),
    };
    let identity = match identity {
        Ok(identity) => Arc::new(identity),
        Err(error) => panic!("no identity for tests: {error}"),
    };
    cache.insert(key, Arc::clone(&identity));
    identity
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn racing_makers_get_one_identity_that_only_its_owner_may_read() {
        let dir = std::env::temp_dir().join(format!("jpki-virtual-card-race-{}", std::process::id()));
        let certificates: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let makers: Vec<_> =
                (0..2).map(|_| scope.spawn(|| Identity::load_or_create(&dir.join("card")).unwrap())).collect();
            let made = makers.into_iter().map(|maker| maker.join().unwrap());
            made.map(|identity| identity.auth_certificate().to_vec()).collect()
        });
        assert!(certificates.windows(2).all(|pair| pair[0] == pair[1]));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.join("card")), 0o700);
        assert_eq!(mode(&dir.join("card/auth.key.pem")), 0o600);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "a draft is left");
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let dir = std::env::temp_dir().join(format!("jpki-virtual-card-other-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("letter.txt"), "mine").unwrap();
        assert!(matches!(Identity::load_or_create(&dir), Err(Error::File(..))));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(&dir).unwrap();
    }
}
