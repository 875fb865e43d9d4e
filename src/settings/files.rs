//! Where the settings files are, and in which order they count.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::reading::read;
use super::values::Settings;

/// The file for all users of the machine.
const SYSTEM_FILE: &str = "/etc/jpki-pkcs11/config";
/// Where the user's file is below the configuration folder.
const USER_FILE: &str = "jpki-pkcs11/config";
/// The number of the user root.
const ROOT: u32 = 0;
/// What the kernel shows for an owner that has no number in the user namespace of a sandbox (user_namespaces(7)). There the
/// machine's file, which only root can put into `/etc`, seems to be that user's.
const UNMAPPED: u32 = 65_534;

/// Where the files may be, as the environment says, and for whom. No place in a set-uid program, which must not follow the
/// environment.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `JPKI_PKCS11_CONFIG`: one file instead of all others.
    pub only: Option<OsString>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<OsString>,
    /// `HOME`, for `~/.config` if there is no `XDG_CONFIG_HOME`.
    pub home: Option<OsString>,
    /// The effective user of the process. Settings are taken from files of this user and of root.
    pub user: u32,
}

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromFiles {
    /// The defaults, and above them what the files set.
    pub settings: Settings,
    /// Why the user's file was passed over, if it was: it may not be read, or it is another user's. That is no reason to
    /// fail, but its user should learn of it.
    pub passed_over: Option<Error>,
}

impl Settings {
    /// Reads the settings of the files: the machine's, then the user's, or the one file that the environment names.
    /// A file that is not there sets nothing, unless it was named. A user's file that may not be read sets nothing either,
    /// nor does one of another user: the program may be kept in a box, or be another user's, as after sudo, which must not
    /// obey whoever has called it.
    ///
    /// # Errors
    /// [`Error::InFile`], [`Error::Unreadable`] and [`Error::NotAbsolute`]. A mistake is never passed over: a safety setting that is
    /// misspelt would be no setting.
    pub fn from_files(places: &Places) -> Result<FromFiles, Error> {
        let mut from_files = FromFiles { settings: Settings::default(), passed_over: None };
        let settings = &mut from_files.settings;
        if let Some(only) = &places.only {
            let only = Path::new(only);
            if !only.is_absolute() {
                return Err(Error::NotAbsolute(only.to_owned()));
            }
            settings.apply_file(only, &[ROOT, places.user])?;
            return Ok(from_files);
        }
        match settings.apply_file(Path::new(SYSTEM_FILE), &[ROOT, places.user, UNMAPPED]) {
            Err(Error::Unreadable(_, ErrorKind::NotFound | ErrorKind::NotADirectory)) => {}
            outcome => outcome?,
        }
        // An empty or relative path counts as none (XDG Base Directory Specification).
        let absolute = |place: &Option<OsString>| place.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let config_home =
            absolute(&places.config_home).or_else(|| absolute(&places.home).map(|home| home.join(".config")));
        if let Some(config_home) = config_home {
            match settings.apply_file(&config_home.join(USER_FILE), &[ROOT, places.user]) {
                Err(Error::Unreadable(_, ErrorKind::NotFound | ErrorKind::NotADirectory)) => {}
                Err(error) if is_others(&error) => from_files.passed_over = Some(error),
                outcome => outcome?,
            }
        }
        Ok(from_files)
    }

    /// Sets what a file of one of these owners says. An error has the file's name, because there may be two files.
    fn apply_file(&mut self, path: &Path, owners: &[u32]) -> Result<(), Error> {
        let text = read(path, owners)?;
        self.apply_lines(&text).map_err(|error| Error::InFile(path.to_owned(), Box::new(error)))
    }
}

/// Whether an error means that the file is not for the program's user.
fn is_others(error: &Error) -> bool {
    match error {
        Error::Unreadable(_, kind) => *kind == ErrorKind::PermissionDenied,
        Error::InFile(_, error) => matches!(**error, Error::OtherOwner(_)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    use super::*;
    use crate::settings::values::{Labels, ShownTokens};

    /// A folder of its own for one test, with these files in it; removed with this value.
    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let folder = std::env::temp_dir().join(format!("jpki-pkcs11-settings-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, text).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            }
            Folder(folder)
        }

        fn path(&self, name: &str) -> OsString {
            self.0.join(name).into()
        }

        /// No place, for the user who makes files here.
        fn nowhere(&self) -> Places {
            Places { user: fs::metadata(&self.0).unwrap().uid(), ..Places::default() }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    // That the machine's file comes before the user's is shown with the built module, whose /etc can be another one
    // (conformance-tests/end-to-end/tests/places.rs).

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn the_users_file_is_below_one_of_two_folders() {
        let files = [("xdg/jpki-pkcs11/config", "labels = ja"), ("home/.config/jpki-pkcs11/config", "slots = sign")];
        let folder = Folder::with("user", &files);
        // This machine may have settings of its own.
        let machines = Settings::from_files(&Places::default()).unwrap().settings;
        let from = |places: &Places| Settings::from_files(places).unwrap().settings;
        let xdg = Places { config_home: Some(folder.path("xdg")), ..folder.nowhere() };
        let home = Places { home: Some(folder.path("home")), ..folder.nowhere() };
        let of_xdg = Settings { labels: Labels::Japanese, ..machines.clone() };
        let of_home = Settings { slots: ShownTokens::Signature, ..machines.clone() };
        assert_eq!((from(&xdg), from(&home)), (of_xdg.clone(), of_home.clone()));
        assert_eq!(from(&Places { home: home.home.clone(), ..xdg }), of_xdg, "the first alone");
        // A relative path would lead to a file that depends on where the program was started: none counts, as an empty one.
        for none in ["xdg", ""] {
            assert_eq!(from(&Places { config_home: Some(none.into()), ..home.clone() }), of_home, "{none:?}");
        }
        let relative = Places { config_home: Some("xdg".into()), home: Some("home".into()), ..folder.nowhere() };
        assert_eq!(from(&relative), machines);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_named_file_is_read_alone_and_has_to_be_there() {
        let files = [
            ("xdg/jpki-pkcs11/config", "labels = ja"),
            ("named", "slots = auth"),
            ("wrong", "slots = sign\nslot = auth"),
        ];
        let folder = Folder::with("named", &files);
        let xdg = Places { config_home: Some(folder.path("xdg")), ..folder.nowhere() };
        let named = |name| Places { only: Some(folder.path(name)), ..xdg.clone() };
        let settings = Settings::from_files(&named("named")).unwrap().settings;
        assert_eq!((settings.labels, settings.slots), (Labels::English, ShownTokens::Authentication));
        let unknown = Error::UnknownKey("slot".into(), Some("slots"));
        let wrong = Error::InFile(folder.0.join("wrong"), Box::new(Error::OnLine(2, Box::new(unknown))));
        assert_eq!(Settings::from_files(&named("wrong")), Err(wrong));
        let missing = Error::Unreadable(folder.0.join("missing"), ErrorKind::NotFound);
        assert_eq!(Settings::from_files(&named("missing")), Err(missing));
    }

    #[test]
    fn a_named_file_is_named_by_an_absolute_path() {
        // There in the folder of the package, in which this test runs.
        for relative in ["Cargo.toml", "./Cargo.toml", ""] {
            let places = Places { only: Some(relative.into()), ..Places::default() };
            assert_eq!(Settings::from_files(&places), Err(Error::NotAbsolute(relative.into())));
        }
        let complaint = Error::NotAbsolute("settings".into()).to_string();
        assert!(complaint.starts_with("JPKI_PKCS11_CONFIG is \"settings\", "), "{complaint}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_file_of_another_user_is_passed_over_in_a_home_and_refused_if_it_is_named() {
        let path = "home/.config/jpki-pkcs11/config";
        let folder = Folder::with("others", &[(path, "labels = ja")]);
        let machines = Settings::from_files(&Places::default()).unwrap().settings;
        let (owner, user) = match folder.nowhere().user {
            // Root's files are taken by everybody, so root gives this one away.
            ROOT => {
                chown(folder.0.join(path), Some(1), None).unwrap();
                (1, ROOT)
            }
            owner => (owner, owner + 1),
        };
        let refused = Error::InFile(folder.0.join(path), Box::new(Error::OtherOwner(owner)));
        let home = Places { home: Some(folder.path("home")), user, ..Places::default() };
        let passed_over = FromFiles { settings: machines, passed_over: Some(refused.clone()) };
        assert_eq!(Settings::from_files(&home), Ok(passed_over));
        let named = Places { only: Some(folder.path(path)), ..home };
        assert_eq!(Settings::from_files(&named), Err(refused));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn the_programs_string_comes_last() {
        let folder = Folder::with("string", &[("file", "labels = ja\nslots = auth")]);
        let places = Places { only: Some(folder.path("file")), ..folder.nowhere() };
        let mut settings = Settings::from_files(&places).unwrap().settings;
        settings.apply_string("slots=sign").unwrap();
        assert_eq!((settings.labels, settings.slots), (Labels::Japanese, ShownTokens::Signature));
    }
}
