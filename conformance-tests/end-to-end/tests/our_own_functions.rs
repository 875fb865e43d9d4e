//! Another PKCS#11 module in the same process: what ours hands out is its own all the same. The dynamic linker looks
//! names up in the global scope first, and there the other module's C_* may stand before ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jpki_end_to_end::{Turn, module_path, run, scratch};

/// Ways in which another module gets into the global scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The program has loaded it with RTLD_GLOBAL.
    Loaded,
    /// By LD_PRELOAD.
    Preloaded,
    /// The program is linked with it, as programs are with libp11-kit.
    Linked,
}

/// Files that are removed with this value.
struct Files(Vec<PathBuf>);

impl Files {
    fn add(&mut self, name: &str) -> PathBuf {
        let file = scratch(name);
        self.0.push(file.clone());
        file
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = fs::remove_file(file);
        }
    }
}

/// A module with every function that ours has: each answers CKR_GENERAL_ERROR. Real ones lack those of newer versions.
fn module_of_stubs(files: &mut Files) -> PathBuf {
    let exported = run(Command::new("nm").args(["--dynamic", "--defined-only", "--format=posix"]).arg(module_path()));
    let exported = exported.good();
    let names = exported.lines().filter_map(|line| line.split(' ').next()).filter(|name| name.starts_with("C_"));
    let code: String = names.map(|name| format!("unsigned long {name}(void) {{ return 5; }}\n")).collect();
    assert_eq!(code.lines().count(), 104);
    let (source, module) = (files.add("stubs.c"), files.add("stubs.so"));
    fs::write(&source, code).unwrap();
    let _ = run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&module).arg(&source)).good();
    module
}

/// Runs the C program with the other module in its global scope, and checks that every function is ours.
#[track_caller]
fn every_function_is_ours(other: &Path, way: Way) {
    let mut files = Files(Vec::new());
    let program = files.add("our-own-functions");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I/usr/include/p11-kit-1", "-o"]).arg(&program);
    compiler.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("c/our_own_functions.c")).arg("-ldl");
    if way == Way::Linked {
        compiler.arg("-Wl,--no-as-needed").arg(other);
    }
    let _ = run(&mut compiler).good();
    let mut command = Command::new(&program);
    command.arg(module_path()).env("JPKI_PKCS11_CONFIG", "/dev/null");
    match way {
        Way::Loaded => drop(command.arg(other)),
        Way::Preloaded => drop(command.env("LD_PRELOAD", other)),
        Way::Linked => {}
    }
    let said = run(&mut command).good();
    let said: Vec<_> = said.lines().map(str::trim_end).collect();
    let wanted = [
        "3.2: 104 functions, 0 foreign",
        "3.0: 92 functions, 0 foreign",
        "2.40: 68 functions, 0 foreign",
        "C_Initialize: 0",
        "C_GetInfo: 0 by jpki-pkcs11",
    ];
    assert_eq!(said, wanted, "with {} {way:?}", other.display());
}

#[test]
fn beside_a_module_that_has_every_function() {
    let _turn = Turn::take();
    let mut files = Files(Vec::new());
    let stubs = module_of_stubs(&mut files);
    for way in [Way::Loaded, Way::Preloaded, Way::Linked] {
        every_function_is_ours(&stubs, way);
    }
}

#[test]
fn beside_the_module_of_opensc() {
    let _turn = Turn::take();
    let places = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(|host| format!("/usr/lib/{host}/opensc-pkcs11.so"));
    let opensc = places.iter().map(Path::new).find(|path| path.exists()).expect("opensc-pkcs11 is installed");
    for way in [Way::Loaded, Way::Preloaded, Way::Linked] {
        every_function_is_ours(opensc, way);
    }
}

/// What readelf of binutils prints of the module.
fn readelf(option: &str) -> String {
    run(Command::new("readelf").args([option, "--wide"]).arg(module_path())).good()
}

#[test]
fn no_relocation_of_the_built_file_names_a_function_of_ours() {
    let relocations = readelf("--relocs");
    assert!(relocations.contains("_RELATIVE") && relocations.contains(" SCardConnect"), "{relocations}");
    let by_name = relocations.lines().filter(|line| line.split_whitespace().any(|word| word.starts_with("C_")));
    assert_eq!(by_name.count(), 0);
}

#[test]
fn nothing_but_data_can_be_written_in_the_built_file() {
    let (dynamic, headers) = (readelf("--dynamic"), readelf("--program-headers"));
    // What the dynamic linker writes is read-only before the first call (full RELRO): nothing is left for later.
    assert!(dynamic.lines().any(|line| line.contains("(FLAGS)") && line.contains("BIND_NOW")), "{dynamic}");
    assert!(headers.contains("GNU_RELRO"), "{headers}");
    assert!(!dynamic.contains("TEXTREL"), "{dynamic}");
    // Type, offset, two addresses, two sizes, flags in one or more words, alignment.
    let flags = |kind: &str| {
        let lines = headers.lines().map(str::trim).filter(|line| line.starts_with(kind));
        let flags = lines.map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words[6..words.len() - 1].concat()
        });
        flags.collect::<Vec<_>>()
    };
    assert_eq!(flags("GNU_STACK "), ["RW"]);
    let loaded = flags("LOAD ");
    assert!(loaded.len() > 1 && loaded.iter().all(|flags| flags != "RWE" && flags != "WE"), "{headers}");
}
