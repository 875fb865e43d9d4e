//! The version is set in one place, and all copies agree with it: docs/releasing.md.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The packages that have the version of the workspace.
const PACKAGES: [(&str, &str); 4] = [
    ("jpki-pkcs11", "Cargo.toml"),
    ("jpki-virtual-card", "conformance-tests/virtual-card/Cargo.toml"),
    ("jpki-end-to-end", "conformance-tests/end-to-end/Cargo.toml"),
    ("pkcs11-contract", "conformance-tests/contract/Cargo.toml"),
];

/// `[workspace.package]` of Cargo.toml.
fn version() -> String {
    let manifest = read("Cargo.toml");
    let (_, rest) =
        manifest.split_once("\n[workspace.package]\nversion = \"").expect("the version, first in its table");
    rest.split_once('"').expect("its end").0.to_owned()
}

/// The headings of CHANGELOG.md, the newest first.
fn headings(changelog: &str) -> Vec<&str> {
    changelog.lines().filter_map(|line| line.strip_prefix("## ")).collect()
}

#[test]
fn every_package_takes_the_version_of_the_workspace() {
    for (package, manifest) in PACKAGES {
        let text = read(manifest);
        let (_, table) = text.split_once("[package]\n").expect(manifest);
        let table = table.split("\n[").next().unwrap_or_default();
        assert!(
            table.lines().any(|line| line == format!("name = \"{package}\"")),
            "{manifest} is not that of {package}"
        );
        assert!(table.lines().any(|line| line == "version.workspace = true"), "{manifest} has a version of its own");
    }
}

#[test]
fn the_lock_files_have_this_version() {
    let version = version();
    for lock in ["Cargo.lock", "conformance-tests/fuzz/Cargo.lock"] {
        let text = read(lock);
        for (package, _) in PACKAGES {
            let Some((_, entry)) = text.split_once(&format!("\nname = \"{package}\"\nversion = \"")) else {
                assert_ne!(lock, "Cargo.lock", "{package} is not in {lock}");
                continue;
            };
            assert!(entry.starts_with(&format!("{version}\"")), "{lock}: {package} is not {version}");
        }
    }
}

#[test]
fn the_newest_version_in_the_changelog_is_this_one() {
    let changelog = read("CHANGELOG.md");
    let headings = headings(&changelog);
    let (first, released) = headings.split_first().expect("a heading");
    assert_eq!(*first, "Unreleased", "changes to come have a place");
    // Before the first release there is no such heading.
    let Some(newest) = released.first() else { return };
    let date = newest.strip_prefix(&format!("[{}] - ", version()));
    let date = date.unwrap_or_else(|| panic!("the newest version is {newest:?}, Cargo.toml has {}", version()));
    let form: String = date.chars().take(10).map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    assert_eq!(form, "0000-00-00", "the day of the release: {newest:?}");
}
