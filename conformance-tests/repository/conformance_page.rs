//! `docs/conformance.md` says what every function and mechanism does here, and which cases of the contract suite show
//! it. The tests compare the page with the sources, so the two cannot drift apart.
//!
//! `UPDATE_CONFORMANCE_PAGE=1 cargo test --test repository` writes the columns that come from the sources anew, and
//! keeps the prose.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The heading of the table of behaviour that the contract suite cannot test.
const OWN_TESTS: &str = "\n## What the contract suite cannot see\n";

/// A row of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    name: String,
    /// The version that added a function, or the uses of a mechanism.
    kind: String,
    /// What it does here, in prose. A person writes this.
    here: String,
    /// The cases of the contract suite.
    shown_by: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// The functions of the table in the C boundary: name, version, and handler.
fn functions() -> Vec<(String, &'static str, String)> {
    let table = read("src/ffi/table.rs");
    let (_, table) = table.split_once("\nfunctions! {").expect("the table");
    let mut since = "";
    let mut functions = Vec::new();
    for row in table.split(';') {
        for (group, version) in [("since_2_40 {", "2.40"), ("since_3_0 {", "3.0"), ("since_3_2 {", "3.2")] {
            if row.contains(group) {
                since = version;
            }
        }
        if let (Some(at), Some((_, answer))) = (row.find("C_"), row.split_once("=>")) {
            let name: String =
                row[at..].chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            functions.push((name, since, answer.trim().to_owned()));
        }
    }
    functions
}

/// The sections of the standard in the same table, by function.
fn sections() -> BTreeMap<String, String> {
    let table = read("src/ffi/table.rs");
    let rows = table.lines().filter_map(|line| line.trim().strip_prefix("C_")?.split_once(" \""));
    rows.filter_map(|(name, rest)| Some((format!("C_{name}"), rest.split_once('"')?.0.to_owned()))).collect()
}

/// The mechanisms of the core's table: name and uses.
fn mechanisms() -> Vec<(String, &'static str)> {
    let source = read("src/core/mechanism.rs");
    let (_, table) = source.split_once("const TABLE:").expect("the table");
    let (table, _) = table.split_once("];").expect("its end");
    let rows = table.lines().filter_map(|line| line.trim().strip_prefix('(')?.split_once(", "));
    rows.map(|(name, usage)| (name.to_owned(), if usage.contains("Digest") { "digest" } else { "sign, verify" }))
        .collect()
}

/// The return value of a stub. The prose has to name it.
fn answer_of(handler: &str) -> Option<&'static str> {
    [
        ("stubs::unsupported", "CKR_FUNCTION_NOT_SUPPORTED"),
        ("stubs::write_protected", "CKR_TOKEN_WRITE_PROTECTED"),
        ("objects::prohibited", "CKR_ACTION_PROHIBITED"),
        ("general::not_parallel", "CKR_FUNCTION_NOT_PARALLEL"),
        ("sessions::seed_random", "CKR_RANDOM_SEED_NOT_SUPPORTED"),
        ("digesting::digest_key", "CKR_KEY_INDIGESTIBLE"),
    ]
    .into_iter()
    .find(|(start, _)| handler.starts_with(start))
    .map(|(_, answer)| answer)
}

/// The cases whose clause contains a name, as the page lists them: grouped by chapter.
fn shown_by(word: &str) -> String {
    let names = |clause: &str| {
        clause.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|other| other == word)
    };
    let mut chapters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in pkcs11_contract::cases() {
        if let (true, Some((chapter, name))) = (names(&case.clause), case.name.split_once('/')) {
            chapters.entry(chapter.to_owned()).or_default().push(name.to_owned());
        }
    }
    let mut text = String::new();
    for (chapter, names) in chapters {
        let separator = if text.is_empty() { "" } else { "; " };
        // Cases that every function has, or that differ only in a number, appear as a count.
        if chapter == "every" || names.len() > 8 {
            let _ = write!(text, "{separator}{chapter} ({})", names.len());
        } else {
            let _ = write!(text, "{separator}{chapter}: {}", names.join(", "));
        }
    }
    text
}

/// The rows of the present page, by name.
fn written(page: &str) -> BTreeMap<String, Row> {
    let rows = page.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
        let mut next = || cells.next().unwrap_or_default();
        Row { name: next().trim_matches('`').to_owned(), kind: next(), here: next(), shown_by: next() }
    });
    rows.map(|row| (row.name.clone(), row)).collect()
}

/// The expected rows, with the prose of the page.
fn expected(written: &BTreeMap<String, Row>) -> (Vec<Row>, Vec<Row>) {
    let row = |name: String, kind: &str| {
        let here = written.get(&name).map(|row| row.here.clone()).unwrap_or_default();
        Row { shown_by: shown_by(&name), kind: kind.to_owned(), here, name }
    };
    let functions = functions().into_iter().map(|(name, since, _)| row(name, since)).collect();
    let mechanisms = mechanisms().into_iter().map(|(name, usage)| row(name, usage)).collect();
    (functions, mechanisms)
}

fn table(heads: [&str; 4], rows: &[Row]) -> String {
    let mut text = format!("| {} |\n|---|---|---|---|\n", heads.join(" | "));
    for Row { name, kind, here, shown_by } in rows {
        let _ = writeln!(text, "| `{name}` | {kind} | {here} | {shown_by} |");
    }
    text
}

#[test]
fn the_page_is_what_the_sources_say() {
    let page = read("docs/conformance.md");
    let written = written(&page);
    let (functions, mechanisms) = expected(&written);
    let (introduction, _) = page.split_once("\n## Functions\n").expect("the heading of the functions");
    let (_, own) = page.split_once(OWN_TESTS).expect("the heading of the last table");
    let whole = format!(
        "{introduction}\n## Functions\n\n{}\n## Mechanisms\n\n{}{OWN_TESTS}{own}",
        table(["function", "since", "here", "shown by"], &functions),
        table(["mechanism", "for", "here", "shown by"], &mechanisms)
    );
    if std::env::var_os("UPDATE_CONFORMANCE_PAGE").is_some() {
        fs::write(root().join("docs/conformance.md"), &whole).expect("the page can be written");
    } else {
        let different = page.lines().zip(whole.lines()).find(|(is, should)| is != should);
        assert!(
            page == whole,
            "run with UPDATE_CONFORMANCE_PAGE=1 to update the page; the first difference: {different:#?}"
        );
    }
}

#[test]
fn each_function_names_its_section_of_the_standard() {
    // The contract suite's list is from the text of the standard, and the functions' documentation from the table.
    let listed = read("conformance-tests/contract/documented.txt");
    let listed = listed.lines().filter_map(|line| line.split_once(':')?.0.split_once(" §"));
    let listed: BTreeMap<_, _> = listed.map(|(name, section)| (name.to_owned(), section.to_owned())).collect();
    assert_eq!(listed.len(), 104);
    assert_eq!(sections(), listed);
}

#[test]
fn every_row_says_what_happens_and_who_shows_it() {
    let written = written(&read("docs/conformance.md"));
    assert_eq!(functions().len(), 104, "the functions of PKCS#11 3.2");
    for (name, _, handler) in functions() {
        let row = written.get(&name).unwrap_or_else(|| panic!("{name} has no row"));
        assert!(!row.here.is_empty(), "{name}: the page does not say what it does here");
        assert!(!row.shown_by.is_empty(), "{name}: no case of the contract suite names it");
        match answer_of(&handler) {
            Some(answer) => {
                assert!(row.here.contains(answer), "{name} returns {answer}, but the page says: {}", row.here)
            }
            None => {
                assert!(!row.here.contains("NOT_SUPPORTED"), "{name} is supported, but the page says: {}", row.here)
            }
        }
    }
    for (name, _) in mechanisms() {
        let row = written.get(&name).unwrap_or_else(|| panic!("{name} has no row"));
        assert!(!row.here.is_empty() && !row.shown_by.is_empty(), "{name}: {row:?}");
    }
}

#[test]
fn the_tests_that_show_what_is_this_modules_own_are_there() {
    let page = read("docs/conformance.md");
    let (_, own) = page.split_once(OWN_TESTS).expect("the heading of the last table");
    let rows: Vec<_> = own.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what")).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let (what, tests) = row.trim_matches('|').split_once(" | ").expect("two columns");
        let tests: Vec<_> = tests.split(", ").map(|test| test.trim().trim_matches('`')).collect();
        assert!(!tests.is_empty(), "{what}");
        for test in tests {
            let (file, name) = test.split_once(": ").unwrap_or_else(|| panic!("{what}: {test}"));
            let file = file.replace("end-to-end/", "end-to-end/tests/");
            let source = read(&format!("conformance-tests/{file}.rs"));
            assert!(source.contains(&format!("#[test]\nfn {name}() {{")), "{what}: {test} is no test");
        }
    }
}

/// The value of a constant, as the source file has it.
fn constant(file: &str, name: &str) -> String {
    let source = read(file);
    let (_, rest) = source.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("{name} in {file}"));
    let (_, value) = rest.split_once(" = ").expect("its value");
    value.split(';').next().unwrap_or_default().to_owned()
}

#[test]
fn the_numbers_in_the_prose_are_those_of_the_sources() {
    let written = written(&read("docs/conformance.md"));
    let says = |function: &str, number: &str| {
        let here = &written[function].here;
        assert!(here.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == number), "{number}: {here}");
    };
    says("C_GetMechanismList", &mechanisms().len().to_string());
    says("C_OpenSession", &constant("src/core/session.rs", "SESSIONS_MAX"));
    says("C_GetMechanismInfo", &constant("src/core/mechanism.rs", "KEY_BITS"));
    says("CKM_RSA_PKCS", &constant("src/card/signing.rs", "RAW_INPUT_MAX"));
    // 1 MiB.
    assert_eq!(constant("src/ffi/sessions.rs", "RANDOM_MAX"), "1 << 20");
    says("C_GenerateRandom", "1048576");
}
