//! The paths of the built files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Cargo's target folder: the one that contains this program.
fn target() -> PathBuf {
    let program = env::current_exe().expect("the path of this program");
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.expect("cargo's target folder above this program").to_owned()
}

/// One of this crate's own programs.
///
/// # Panics
/// Never: a running program has a path.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let here = env::current_exe().expect("the path of this program");
    let folder = here.parent().expect("a program is in a folder");
    let folder = if folder.ends_with("deps") { folder.parent().expect("deps is in a folder") } else { folder };
    folder.join(name)
}

/// The folder of the whole project.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The path in the environment variable, or the first candidate that exists.
fn find(variable: &str, candidates: &[&str], how: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable).filter(|value| !value.is_empty()) {
        // Cargo runs tests in the folder of their crate; a user sets the variable in the repository's folder.
        let paths = [PathBuf::from(&path), repository().join(&path)];
        let found = paths.iter().find_map(|path| path.canonicalize().ok());
        return found.unwrap_or_else(|| panic!("{variable} is {}, which does not exist", paths[0].display()));
    }
    let targets = [target(), repository().join("target")];
    let found = targets
        .iter()
        .flat_map(|target| candidates.iter().map(move |name| target.join(name)))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{} is not built: {how}, or set {variable} to its path", candidates.join(" or ")))
}

/// The built module.
#[must_use]
pub fn module_path() -> PathBuf {
    find("JPKI_PKCS11_MODULE", &["release/libjpki_pkcs11.so"], "cargo build --release --package jpki-pkcs11")
}

/// The virtual card.
#[must_use]
pub fn virtual_card_path() -> PathBuf {
    let candidates = ["release/jpki-virtual-card", "debug/jpki-virtual-card"];
    find("JPKI_VIRTUAL_CARD", &candidates, "cargo build --release --package jpki-virtual-card")
}

/// A folder in cargo's target folder that outlives the run.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn lasting(name: &str) -> PathBuf {
    let folder = target().join("tmp/end-to-end").join(name);
    fs::create_dir_all(&folder).expect("a folder in cargo's target folder");
    folder
}

/// A new name for a file. The caller makes the file and removes it.
#[must_use]
pub fn scratch(name: &str) -> PathBuf {
    lasting("scratch").join(unique(name))
}

/// A new name for a socket, which has to be short.
pub(crate) fn socket(name: &str) -> PathBuf {
    env::temp_dir().join(format!("jpki-suite-{}", unique(name)))
}

fn unique(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}-{name}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}
