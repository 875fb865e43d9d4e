//! `conformance-tests/README.md` is the map of the tests: it names every step of `conformance-tests/run`, and all that
//! its commands name exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn readme() -> String {
    fs::read_to_string(root().join("conformance-tests/README.md")).expect("the map of the tests")
}

/// The texts between backticks, and the lines of the blocks of commands.
fn quoted(text: &str) -> Vec<&str> {
    let inline =
        text.lines().filter(|line| !line.starts_with("    ")).flat_map(|line| line.split('`').skip(1).step_by(2));
    let block = text.lines().filter_map(|line| line.strip_prefix("    "));
    inline.chain(block.map(|line| line.split('#').next().unwrap_or_default().trim())).collect()
}

/// The names of the steps, from the script itself.
fn steps() -> BTreeSet<String> {
    let output = Command::new(root().join("conformance-tests/run")).arg("--list").output().expect("the script runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let names: BTreeSet<_> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert!(names.len() > 10, "{text}");
    names
}

/// The values of an option, under any of its names.
fn values<'a>(words: &[&'a str], names: &[&str]) -> Vec<&'a str> {
    words.windows(2).filter(|pair| names.contains(&pair[0])).map(|pair| pair[1]).collect()
}

/// The packages of the workspace, each with its folder.
fn packages() -> Vec<(String, PathBuf)> {
    let manifest = |folder: &Path| fs::read_to_string(folder.join("Cargo.toml")).expect("a Cargo.toml");
    let name = |text: &str| {
        let (_, package) = text.split_once("[package]").expect("a package");
        package.split('"').nth(1).expect("its name").to_owned()
    };
    let top = manifest(&root());
    let (_, members) = top.split_once("members = [").expect("the members");
    let (members, _) = members.split_once(']').expect("their end");
    let folders = members.split('"').skip(1).step_by(2).map(|member| root().join(member)).chain([root()]);
    folders.map(|folder| (name(&manifest(&folder)), folder)).collect()
}

/// Whether a package has a test program, as a file or folder in its `tests`, or by name in its manifest.
fn has_test(folder: &Path, name: &str) -> bool {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a Cargo.toml");
    folder.join(format!("tests/{name}.rs")).exists()
        || folder.join(format!("tests/{name}/main.rs")).exists()
        || manifest.contains(&format!("[[test]]\nname = \"{name}\""))
}

/// All that is wrong with a command.
fn complaints(command: &str) -> Vec<String> {
    let words: Vec<_> = command.split_whitespace().collect();
    let mut wrong = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if word.starts_with("conformance-tests/") && !root().join(word).exists() {
            wrong.push(format!("there is no {word}"));
        }
        if *word == "conformance-tests/run" {
            let steps = steps();
            let names = words[at + 1..].iter().filter(|name| !name.starts_with('-') && **name != "STEP...");
            wrong.extend(names.filter(|name| !steps.contains(**name)).map(|name| format!("there is no step {name}")));
        }
        if *word == "conformance-tests/fuzz/run" {
            let targets = words[at + 1..].iter().filter(|word| word.parse::<u32>().is_err());
            let manifest = fs::read_to_string(root().join("conformance-tests/fuzz/Cargo.toml")).expect("the targets");
            let unknown = targets.filter(|target| !manifest.contains(&format!("[[bin]]\nname = \"{target}\"")));
            wrong.extend(unknown.map(|target| format!("there is no fuzz target {target}")));
        }
    }
    let packages = packages();
    let wanted = values(&words, &["--package", "-p"]);
    for package in &wanted {
        if !packages.iter().any(|(name, _)| name == package) {
            wrong.push(format!("there is no package {package}"));
        }
    }
    for test in values(&words, &["--test"]) {
        // By default cargo takes the package at the root.
        let folders = packages.iter().filter(|(name, folder)| match wanted.is_empty() {
            true => *folder == root(),
            false => wanted.contains(&name.as_str()),
        });
        if !folders.into_iter().any(|(_, folder)| has_test(folder, test)) {
            wrong.push(format!("there is no test program {test}"));
        }
    }
    wrong
}

#[test]
fn every_step_is_in_the_map() {
    let readme = readme();
    let commands = quoted(&readme);
    for step in steps() {
        assert!(commands.contains(&format!("conformance-tests/run {step}").as_str()), "{step} is not in the map");
    }
}

#[test]
fn every_folder_is_in_the_map() {
    let readme = readme();
    let named = quoted(&readme);
    for entry in fs::read_dir(root().join("conformance-tests")).expect("the tests") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let is_named = |text: &&str| text.split('/').next() == Some(name.as_str());
        assert!(matches!(name.as_str(), "README.md" | "run") || named.iter().any(is_named), "{name} is not in the map");
    }
}

#[test]
fn every_command_and_path_of_the_map_is_there() {
    let readme = readme();
    for text in quoted(&readme) {
        let wrong = complaints(text);
        assert!(wrong.is_empty(), "`{text}`: {}", wrong.join(", "));
    }
    // The second column of the first table.
    let rows = readme.lines().filter(|line| line.contains("`conformance-tests/run "));
    for path in rows.filter_map(|row| row.split(" | ").nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        assert!(root().join("conformance-tests").join(path).exists(), "there is no {path}");
    }
}

#[test]
fn a_wrong_command_is_found() {
    for (command, what) in [
        ("conformance-tests/nowhere", "there is no conformance-tests/nowhere"),
        ("conformance-tests/run format linnt", "there is no step linnt"),
        ("conformance-tests/fuzz/run 3600 boundary nothing", "there is no fuzz target nothing"),
        ("cargo test --package jpki --lib", "there is no package jpki"),
        ("cargo test -p jpki --lib", "there is no package jpki"),
        ("cargo test --test login", "there is no test program login"),
        ("conformance-tests/stack cargo test --package jpki-end-to-end --test logn x", "there is no test program logn"),
    ] {
        assert_eq!(complaints(command), [what], "{command}");
    }
    let right = "conformance-tests/stack cargo test --package jpki-end-to-end --test login x -- --test-threads=1";
    assert_eq!(complaints(right), Vec::<String>::new());
}
