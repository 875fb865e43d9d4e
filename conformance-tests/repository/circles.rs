//! State below, calls above: no file of a crate imports itself through others. And no file is too long to hold in mind.
//!
//! An import is any path in the code that leads to another file, inside or outside of a `use` declaration. A name leads
//! to the file that defines it, through `pub use`. The `mod x;` and `pub use` of a `mod.rs` are its face: they import
//! nothing, unless its own code uses the name. The text does not show which file adds a method to a type.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::code::sources;
use crate::imports::Imports;

/// The folders under the rule.
const FOLDERS: [&str; 3] = ["src", "conformance-tests/contract/src", "conformance-tests/virtual-card/src"];

/// The largest number of lines of a file of the module.
const LINES_MAX: usize = 400;

/// A limit for the steps from a name through `use` declarations to the file that defines it. No name needs as many.
const STEPS_MAX: usize = 16;

/// A module, and its file.
struct Module {
    file: String,
    imports: Imports,
}

/// The modules of a crate by their paths, such as `token::login`. The crate's own file has the empty path.
struct Modules(BTreeMap<String, Module>);

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Module(String),
    /// An item of a module: the module, and the item's name there.
    Within(String, String),
}

/// The files that a file imports, and by which names.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn child_of(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

impl Modules {
    /// The crate whose first file is `root`. `read` returns the text of a file, if it exists.
    fn of(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut modules = Modules(BTreeMap::new());
        let text = read(root).unwrap_or_else(|| panic!("there is no {root}"));
        modules.add(String::new(), root.to_owned(), "", &text, read);
        modules
    }

    /// Adds a module, and its children in `folder`. The folder ends with `/`, except the crate's.
    fn add(&mut self, path: String, file: String, folder: &str, text: &str, read: &dyn Fn(&str) -> Option<String>) {
        let imports = Imports::of(text);
        for name in &imports.children {
            let inner = format!("{folder}{name}/");
            let files = [format!("{folder}{name}.rs"), format!("{inner}mod.rs")];
            let found = files.into_iter().find_map(|file| read(&file).map(|text| (file, text)));
            let (child, text) = found.unwrap_or_else(|| panic!("{file}: there is no file of its module {name}"));
            self.add(child_of(&path, name), child, &inner, &text, read);
        }
        self.0.insert(path, Module { file, imports });
    }

    /// What a path in a module leads to. `None` if it leaves the crate or names something local.
    fn follow(&self, from: &str, path: &[String], steps: usize) -> Option<Place> {
        if steps == 0 {
            return None;
        }
        let imports = &self.0[from].imports;
        let (first, rest) = path.split_first()?;
        let is_use = imports.uses.iter().any(|found| found.name == *first);
        match first.as_str() {
            "crate" => self.descend("", rest, steps),
            "self" => self.descend(from, rest, steps),
            "super" => self.descend(parent_of(from), rest, steps),
            name if imports.children.iter().any(|child| child == name) || is_use => self.descend(from, path, steps),
            _ => None,
        }
    }

    fn descend(&self, module: &str, path: &[String], steps: usize) -> Option<Place> {
        let Some((name, rest)) = path.split_first() else { return Some(Place::Module(module.to_owned())) };
        if name == "super" {
            return self.descend(parent_of(module), rest, steps);
        }
        let child = child_of(module, name);
        if self.0.contains_key(&child) {
            return self.descend(&child, rest, steps);
        }
        let imports = &self.0[module].imports;
        if let Some(found) = imports.uses.iter().find(|found| found.name == *name) {
            let whole: Vec<_> = found.path.iter().chain(rest).cloned().collect();
            return self.follow(module, &whole, steps - 1);
        }
        let within = |module: &str| Place::Within(module.to_owned(), name.clone());
        if imports.defines(name) {
            return Some(within(module));
        }
        let globs = imports.uses.iter().filter(|found| found.name == "*");
        let mut behind = globs.filter_map(|glob| match self.follow(module, &glob.path, steps - 1)? {
            Place::Module(other) if self.0[&other].imports.defines(name) => Some(within(&other)),
            _ => None,
        });
        Some(behind.next().unwrap_or_else(|| within(module)))
    }

    /// Every file with what it imports.
    fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (path, Module { file, imports }) in &self.0 {
            let is_face = !imports.children.is_empty();
            let uses = imports.uses.iter().filter(|found| !(is_face && found.public) || imports.mentions(&found.name));
            let uses = uses.map(|found| (&found.path, found.name == "*"));
            let others = arrows.entry(file.clone()).or_default();
            for (written, all) in uses.chain(imports.paths.iter().map(|written| (written, false))) {
                let (target, name) = match self.follow(path, written, STEPS_MAX) {
                    Some(Place::Within(module, name)) => (module, name),
                    Some(Place::Module(module)) if all => (module, "*".to_owned()),
                    // A module alone is no import, but the paths that begin with it are.
                    _ => continue,
                };
                if target != *path {
                    others.entry(self.0[&target].file.clone()).or_default().insert(name);
                }
            }
        }
        arrows
    }
}

fn parent_of(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// All files that a file imports, also through others.
fn reached<'a>(arrows: &'a Arrows, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![file];
    while let Some(file) = waiting.pop() {
        for other in arrows[file].keys() {
            if reached.insert(other.as_str()) {
                waiting.push(other);
            }
        }
    }
    reached
}

/// Files that import themselves through each other. The text of each circle names the files and what they import.
fn circles(arrows: &Arrows) -> Vec<String> {
    let reached: BTreeMap<_, _> = arrows.keys().map(|file| (file.as_str(), reached(arrows, file))).collect();
    let mut circles = BTreeSet::new();
    for (file, others) in &reached {
        let circle: Vec<_> = others.iter().copied().filter(|other| reached[other].contains(file)).collect();
        if circle.is_empty() {
            continue;
        }
        let mut text = format!("{} files import themselves through each other:", circle.len());
        for file in &circle {
            let others = arrows[*file].iter().filter(|(other, _)| circle.contains(&other.as_str()));
            let others: Vec<_> = others
                .map(|(other, names)| format!("{other} ({})", names.iter().cloned().collect::<Vec<_>>().join(", ")))
                .collect();
            text += &format!("\n  {file} imports {}", others.join(", "));
        }
        circles.insert(text);
    }
    circles.into_iter().collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn no_file_imports_itself_through_others() {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let folder = root().join(folder);
        let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
        let mut seen = BTreeSet::new();
        for first in ["lib.rs", "main.rs"].into_iter().filter(|first| folder.join(first).exists()) {
            let arrows = Modules::of(first, &read).arrows();
            found.extend(circles(&arrows).into_iter().map(|circle| format!("{}: {circle}", folder.display())));
            seen.extend(arrows.into_keys().map(|file| folder.join(file).display().to_string()));
        }
        let all: BTreeSet<_> = sources(&folder).into_iter().map(|(name, _)| name).collect();
        assert_eq!(seen, all, "some files are of no crate");
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_file_of_the_module_is_too_long() {
    for (name, source) in sources(&root().join("src")) {
        let lines = source.lines().count();
        assert!(lines <= LINES_MAX, "{name} has {lines} lines, but more than {LINES_MAX} are two subjects");
    }
}

/// The circles of a made-up crate.
fn planted(files: &[(&str, &str)]) -> Vec<String> {
    let read = |file: &str| files.iter().find(|(name, _)| *name == file).map(|(_, text)| (*text).to_owned());
    circles(&Modules::of("lib.rs", &read).arrows())
}

#[test]
fn a_circle_is_found_and_named_file_by_file() {
    let files = [
        ("lib.rs", "pub mod core;\npub mod low;"),
        ("low.rs", "pub struct Low;"),
        ("core/mod.rs", "mod call;\nmod session;\nmod sign;\nmod slot;\npub use self::sign::Signing;"),
        ("core/session.rs", "use super::sign::Signing;\nuse crate::low::Low;\npub struct Session(Option<Signing>);"),
        ("core/sign.rs", "pub struct Signing;\nfn f(call: super::call::Call) {}"),
        ("core/call.rs", "use crate::{core::session::{Session}, low};\npub struct Call(Session, low::Low);"),
        ("core/slot.rs", "use super::session::Session;\npub struct Slot(Session);"),
    ];
    assert_eq!(
        planted(&files),
        ["3 files import themselves through each other:\n  \
          core/call.rs imports core/session.rs (Session)\n  \
          core/session.rs imports core/sign.rs (Signing)\n  \
          core/sign.rs imports core/call.rs (Call)"]
    );
    // Without any one of the three imports there is no circle.
    for broken in 3..6 {
        let mut files = files;
        files[broken].1 = "pub struct Session;\npub struct Signing;\npub struct Call;";
        assert_eq!(planted(&files), Vec::<String>::new(), "{}", files[broken].0);
    }
}

/// The circles of a made-up crate with a folder, whose `mod.rs`, `one.rs` and `two.rs` have these texts.
fn folder(face: &str, one: &str, two: &str) -> Vec<String> {
    planted(&[("lib.rs", "mod folder;"), ("folder/mod.rs", face), ("folder/one.rs", one), ("folder/two.rs", two)])
}

#[test]
fn a_circle_is_found_in_each_way_to_import() {
    let face = "mod one;\nmod two;\npub use self::one::One;\npub(crate) use two::*;";
    let one = "use super::two::Two;\npub struct One(Two);";
    for two in [
        "use super::one::One;",
        "use super::one::{self, One as Other};",
        "use super::one;\nfn f(x: one::One) {}",
        "use super::one::*;",
        "use super::One;",
        "use crate::folder::One;",
        "use crate::{folder::{one::{One}}};",
        "fn f(x: super::One) {}",
        "fn f(x: crate::folder::one::One) {}",
        "fn f() { super::super::folder::One::new() }",
        "#[cfg(test)]\nmod tests { }\nuse super::One;",
    ] {
        let two = format!("{two}\npub struct Two;");
        assert_eq!(folder(face, one, &two).len(), 1, "{two}");
        // Through `pub(crate) use two::*`.
        assert_eq!(folder(face, "use super::Two;\npub struct One(Two);", &two).len(), 1, "{two}");
    }
    // The folder's own file is part of the circle if it defines something, or uses what it exports.
    let uses_the_folder = "pub struct One;\nfn f(x: super::Own) {}";
    for face in [
        "mod one;\nmod two;\nstruct Own;\nfn f() { one::g() }",
        "mod one;\nmod two;\nuse one::One;\nstruct Own(One);",
        "mod one;\nmod two;\npub use self::one::One;\nstruct Own(One);",
    ] {
        let found = folder(face, uses_the_folder, "");
        assert_eq!(found.len(), 1, "{face}");
        assert!(found[0].contains("folder/mod.rs imports folder/one.rs"), "{found:?}");
    }
}

#[test]
fn what_is_no_circle_is_not_found() {
    let face = "mod one;\nmod two;\npub use self::one::One;\npub use self::two::Two;\npub struct Own;";
    for (one, two) in [
        ("use super::two::Two;\npub struct One;", "pub struct Two;"),
        ("use super::{Own, Two};\npub struct One;", "use super::Own;\npub struct Two;"),
        ("use super::two;\npub struct One;\nfn f() { two::g() }", "use std::fmt;\npub struct Two;"),
        ("use super::Two;\npub struct One;", "pub struct Two;\n// use super::One;\nconst A: &str = \"super::One\";"),
        (
            "use super::Two;\npub struct One;",
            "pub struct Two;\n#[cfg(test)]\nmod tests {\n    use super::super::One;\n}",
        ),
        ("use super::Two;\npub struct One;", "use one::One;\npub struct Two;\nfn f(x: other::One) {}"),
    ] {
        assert_eq!(folder(face, one, two), Vec::<String>::new(), "{one}\n{two}");
    }
}
