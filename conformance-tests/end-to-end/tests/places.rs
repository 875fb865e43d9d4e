//! Where settings come from: the machine's file, then the user's, then the program; or one file that the environment
//! names. A set-uid program ignores these variables.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use jpki_end_to_end::{Key, Reader, Turn, VirtualCard, module_path, needs_private_stack, program, run};

/// The machine's settings file.
const OF_MACHINE: &str = "/etc/jpki-pkcs11/config";

/// The Japanese labels of the first reader's tokens.
const JAPANESE: [&str; 2] = ["JPKI 利用者証明用 (4桁)", "JPKI 署名用 (英数6-16桁)"];

fn english() -> [&'static str; 2] {
    Key::ALL.map(Key::token_label)
}

/// A folder that any user can reach, with copies of the program and the module: the originals may be in a user's home.
/// It is removed with this value.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("jpki-suite-places-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let place = Place(folder);
        place.allow("", 0o755);
        for (name, original) in [("module-user", program("module-user")), ("module.so", module_path())] {
            fs::copy(original, place.0.join(name)).unwrap();
            place.allow(name, 0o755);
        }
        place
    }

    fn allow(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Writes a file that every user can read.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        self.allow(name, 0o644);
        path
    }

    /// Sets the program's environment, without any other source of settings.
    fn environment(&self, command: &mut Command) {
        command.env("JPKI_PKCS11_MODULE", self.0.join("module.so"));
        command.env_remove("JPKI_PKCS11_CONFIG").env_remove("XDG_CONFIG_HOME").env("HOME", self.0.join("home"));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The output of `module-user tokens`: whether it was set-uid, and the labels of the tokens.
struct Said {
    secure: bool,
    labels: Vec<String>,
}

#[track_caller]
fn said(command: &mut Command) -> Said {
    let text = run(command).good();
    assert!(text.contains("C_Initialize: OK"), "{text}");
    let tokens = text.lines().filter(|line| line.starts_with("slot ")).filter_map(|line| line.split_once(": "));
    let labels = tokens.map(|(_, label)| label.to_owned()).filter(|label| label != "TokenNotPresent").collect();
    Said { secure: text.contains("secure: 1"), labels }
}

/// The beginning of a command that runs a program as a user without special rights.
fn as_ordinary_user() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command
}

#[test]
fn as_root_a_set_uid_program_is_not_led_by_its_environment() {
    let _turn = Turn::take();
    let can = run(as_ordinary_user().arg("true"));
    assert!(
        can.success,
        "this test needs root, to run a program as another user: leave it out with --skip as_root_\n{}",
        can.text
    );
    assert!(!Path::new(OF_MACHINE).exists(), "{OF_MACHINE} exists, and a set-uid program reads it: move it away");
    let _card = VirtualCard::start(Reader::First, &[]);
    let place = Place::new();
    let japanese = place.write("japanese", "labels = ja\n");
    place.write("home/.config/jpki-pkcs11/config", "labels = ja\n");

    let tokens = |how: &str| {
        let mut command = as_ordinary_user();
        place.environment(&mut command);
        match how {
            "JPKI_PKCS11_CONFIG" => command.env(how, &japanese),
            "XDG_CONFIG_HOME" => command.env(how, place.0.join("home/.config")),
            _ => &mut command,
        };
        said(command.arg(place.0.join("module-user")).arg("tokens"))
    };
    for how in ["JPKI_PKCS11_CONFIG", "XDG_CONFIG_HOME", "HOME"] {
        let ordinary = tokens(how);
        assert!(!ordinary.secure);
        assert_eq!(ordinary.labels, JAPANESE, "{how}: an ordinary program follows it");
    }
    let own = place.0.join("module-user");
    chown(&own, Some(0), Some(0)).unwrap();
    place.allow("module-user", 0o4755);
    for how in ["JPKI_PKCS11_CONFIG", "XDG_CONFIG_HOME", "HOME"] {
        let set_uid = tokens(how);
        assert!(
            set_uid.secure,
            "the kernel did not honour the set-uid bit: {} is on a file system mounted nosuid, or no_new_privs is set \
             (a container?). Set TMPDIR, or leave this test out with --skip as_root_",
            own.display()
        );
        assert_eq!(set_uid.labels, english(), "a set-uid program has followed {how}");
    }
}

#[test]
fn as_root_a_users_file_that_may_not_be_read_sets_nothing_and_is_told() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let place = Place::new();
    let file = place.write("home/.config/jpki-pkcs11/config", "labels = ja\n");
    let tokens = || {
        let mut command = as_ordinary_user();
        place.environment(&mut command);
        command.arg(place.0.join("module-user")).arg("tokens");
        command
    };
    assert_eq!(said(&mut tokens()).labels, JAPANESE, "it may be read");
    place.allow("home/.config/jpki-pkcs11/config", 0o600);
    assert_eq!(said(&mut tokens()).labels, english());
    let (text, complaint) = (run(&mut tokens()).good(), format!("jpki-pkcs11: {}: permission denied", file.display()));
    assert!(text.lines().any(|line| line == complaint), "{text}");
}

/// A user who is not root: nobody, by custom.
const OTHER_USER: u32 = 65534;

#[test]
fn as_root_another_users_home_is_neither_obeyed_nor_in_the_way() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let place = Place::new();
    let [settings, log] = ["home/.config/jpki-pkcs11/config", "home/log"].map(|name| place.0.join(name));
    let text = format!("labels = \"ja\"\nlog = \"trace\"\nlog-file = \"{}\"\n", log.display());
    place.write("home/.config/jpki-pkcs11/config", &text);
    fs::write(&log, "before\n").unwrap();
    let tokens = || {
        let mut command = Command::new("timeout");
        place.environment(command.arg("30"));
        command.arg(place.0.join("module-user")).arg("tokens");
        command
    };
    assert_eq!(said(&mut tokens()).labels, JAPANESE, "it is root's own");
    assert_ne!(fs::read_to_string(&log).unwrap(), "before\n");

    fs::write(&log, "before\n").unwrap();
    chown(&settings, Some(OTHER_USER), None).unwrap_or_else(|error| {
        panic!("only root can give a file away, which this test needs ({error}): leave it out with --skip as_root_")
    });
    assert_eq!(said(&mut tokens()).labels, english());
    assert_eq!(fs::read_to_string(&log).unwrap(), "before\n", "root has written where another user wanted it");
    let (text, told) = (run(&mut tokens()).good(), format!("jpki-pkcs11: {}: ", settings.display()));
    let told = text.lines().find(|line| line.starts_with(&told));
    assert!(told.is_some_and(|line| line.contains("belongs to user 65534") && line.contains("sudo -H")), "{text}");

    // Nor can a pipe in its place stop root.
    fs::remove_file(&settings).unwrap();
    assert!(Command::new("mkfifo").arg(&settings).status().unwrap().success());
    chown(&settings, Some(OTHER_USER), None).unwrap();
    assert_eq!(said(&mut tokens()).labels, english());

    // That the environment names the file does not make it root's.
    let named = place.write("named", "labels = \"ja\"\n");
    chown(&named, Some(OTHER_USER), None).unwrap();
    let text = run(tokens().env("JPKI_PKCS11_CONFIG", &named)).good();
    assert!(text.contains("C_Initialize: GeneralError") && text.contains("belongs to user 65534"), "{text}");
}

#[test]
fn as_root_in_a_private_stack_the_machines_file_is_roots() {
    let _turn = Turn::take();
    needs_private_stack();
    let _card = VirtualCard::start(Reader::First, &[]);
    let place = Place::new();
    let file = place.write("etc/jpki-pkcs11/config", "labels = \"ja\"\n");
    let output = || {
        let mut command = Command::new("unshare");
        let script = "mount --bind \"$1\" /etc && shift && exec timeout 20 \"$@\"";
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(place.0.join("etc")).arg(place.0.join("module-user"));
        place.environment(command.arg("tokens").current_dir(&place.0));
        run(&mut command).text
    };
    let give_to = |user| {
        chown(&file, Some(user), None).unwrap_or_else(|error| {
            panic!("only root can give a file away, which this test needs ({error}): leave it out with --skip as_root_")
        });
    };
    // In a sandbox root's file seems to belong to that other user.
    for user in [0, OTHER_USER] {
        give_to(user);
        assert!(output().contains(JAPANESE[0]), "of user {user}");
    }
    give_to(1);
    let refused = |why: &str| {
        let text = output();
        let told = format!("jpki-pkcs11: {OF_MACHINE}: ");
        let told = text.lines().find(|line| line.starts_with(&told)).is_some_and(|line| line.contains(why));
        assert!(told && text.contains("C_Initialize: GeneralError"), "{why}: {text}");
    };
    refused("belongs to user 1,");
    give_to(0);
    place.allow("etc/jpki-pkcs11/config", 0o664);
    refused("others than its owner may write the file");
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    refused("not a regular file");
}

#[test]
fn in_a_private_stack_the_users_file_is_stronger_than_the_machines_and_the_program_than_both() {
    let _turn = Turn::take();
    // If a private stack is permitted, so is a private mount, which only that one program sees.
    needs_private_stack();
    let _card = VirtualCard::start(Reader::First, &[]);
    let place = Place::new();
    place.write("etc/jpki-pkcs11/config", "labels = ja\nslots = auth\n");
    let with_machines_file = |string: &str, environment: &[(&str, &str)]| {
        let mut command = Command::new("unshare");
        // The module loads and reaches pcscd without the rest of /etc.
        let script = "mount --bind \"$1\" /etc && shift && exec \"$@\"";
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(place.0.join("etc")).arg(place.0.join("module-user"));
        place.environment(command.args(["tokens", string]).current_dir(&place.0));
        said(command.envs(environment.iter().copied())).labels
    };
    assert_eq!(with_machines_file("", &[]), JAPANESE[..1], "the machine's file");

    // A setting that a file leaves out comes from the weaker file.
    place.write("home/.config/jpki-pkcs11/config", "slots = sign\n");
    assert_eq!(with_machines_file("", &[]), JAPANESE[1..], "the user's file after the machine's");
    let xdg = place.write("xdg/jpki-pkcs11/config", "labels = en\n");
    let xdg = xdg.ancestors().nth(2).and_then(Path::to_str).unwrap();
    let labels = with_machines_file("", &[("XDG_CONFIG_HOME", xdg)]);
    assert_eq!(labels, english()[..1], "XDG_CONFIG_HOME instead of ~/.config");
    for none in ["xdg", ""] {
        let labels = with_machines_file("", &[("XDG_CONFIG_HOME", none)]);
        assert_eq!(labels, JAPANESE[1..], "{none:?} is no absolute path, and counts as none");
    }

    assert_eq!(with_machines_file("slots=both", &[]), JAPANESE, "the program after both");
    assert_eq!(with_machines_file("labels=en", &[]), english()[1..]);

    // A file that the environment names is read instead of both.
    let named = place.write("named", "slots = sign\n");
    let only = [("JPKI_PKCS11_CONFIG", named.to_str().unwrap())];
    assert_eq!(with_machines_file("", &only), english()[1..], "JPKI_PKCS11_CONFIG alone");
    assert_eq!(with_machines_file("slots=both", &only), english());
}
