//! Where the settings files are, and in which order they count.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::values::Settings;

/// The file for all users of the machine.
const SYSTEM_FILE: &str = "/etc/jpki-pkcs11/config";
/// Where the user's file is below the configuration folder.
const USER_FILE: &str = "jpki-pkcs11/config";

/// Where the files may be, as the environment says. All `None` in a set-uid program, which must not follow it.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `JPKI_PKCS11_CONFIG`: one file instead of all others.
    pub only: Option<OsString>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<OsString>,
    /// `HOME`, for `~/.config` if there is no `XDG_CONFIG_HOME`.
    pub home: Option<OsString>,
}

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromFiles {
    /// The defaults, and above them what the files set.
    pub settings: Settings,
    /// The user's file, if it may not be read. That is no reason to fail, but its user should learn of it.
    pub unreadable: Option<Error>,
}

impl Settings {
    /// Reads the settings of the files: the machine's, then the user's, or the one file that the environment names.
    /// A file that is not there sets nothing, unless it was named. A user's file that may not be read sets nothing either:
    /// the program may be kept in a box, or be another user's, as after sudo.
    ///
    /// # Errors
    /// [`Error::InFile`] and [`Error::Unreadable`]. A mistake is never passed over: a safety setting that is
    /// misspelt would be no setting.
    pub fn from_files(places: &Places) -> Result<FromFiles, Error> {
        let mut from_files = FromFiles { settings: Settings::default(), unreadable: None };
        let settings = &mut from_files.settings;
        if let Some(only) = &places.only {
            settings.apply_file(Path::new(only))?;
            return Ok(from_files);
        }
        match settings.apply_file(Path::new(SYSTEM_FILE)) {
            Err(Error::Unreadable(_, ErrorKind::NotFound | ErrorKind::NotADirectory)) => {}
            outcome => outcome?,
        }
        // An empty or relative path counts as none (XDG Base Directory Specification).
        let absolute = |place: &Option<OsString>| place.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let config_home =
            absolute(&places.config_home).or_else(|| absolute(&places.home).map(|home| home.join(".config")));
        if let Some(config_home) = config_home {
            match settings.apply_file(&config_home.join(USER_FILE)) {
                Err(Error::Unreadable(_, ErrorKind::NotFound | ErrorKind::NotADirectory)) => {}
                Err(error @ Error::Unreadable(_, ErrorKind::PermissionDenied)) => from_files.unreadable = Some(error),
                outcome => outcome?,
            }
        }
        Ok(from_files)
    }

    /// Sets what a file says. An error has the file's name, because there may be two files.
    fn apply_file(&mut self, path: &Path) -> Result<(), Error> {
        let text = fs::read_to_string(path).map_err(|error| Error::Unreadable(path.to_owned(), error.kind()))?;
        self.apply_lines(&text).map_err(|error| Error::InFile(path.to_owned(), Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
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
            }
            Folder(folder)
        }

        fn path(&self, name: &str) -> OsString {
            self.0.join(name).into()
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
    fn the_users_file_is_below_one_of_two_folders() {
        let files = [("xdg/jpki-pkcs11/config", "labels = ja"), ("home/.config/jpki-pkcs11/config", "slots = sign")];
        let folder = Folder::with("user", &files);
        // This machine may have settings of its own.
        let machines = Settings::from_files(&Places::default()).unwrap().settings;
        let from = |places: &Places| Settings::from_files(places).unwrap().settings;
        let xdg = Places { config_home: Some(folder.path("xdg")), ..Places::default() };
        let home = Places { home: Some(folder.path("home")), ..Places::default() };
        let of_xdg = Settings { labels: Labels::Japanese, ..machines.clone() };
        let of_home = Settings { slots: ShownTokens::Signature, ..machines.clone() };
        assert_eq!((from(&xdg), from(&home)), (of_xdg.clone(), of_home.clone()));
        assert_eq!(from(&Places { home: home.home.clone(), ..xdg }), of_xdg, "the first alone");
        // A relative path would lead to a file that depends on where the program was started: none counts, as an empty one.
        for none in ["xdg", ""] {
            assert_eq!(from(&Places { config_home: Some(none.into()), ..home.clone() }), of_home, "{none:?}");
        }
        assert_eq!(from(&Places { config_home: Some("xdg".into()), home: Some("home".into()), only: None }), machines);
    }

    #[test]
    fn a_named_file_is_read_alone_and_has_to_be_there() {
        let files = [
            ("xdg/jpki-pkcs11/config", "labels = ja"),
            ("named", "slots = auth"),
            ("wrong", "slots = sign\nslot = auth"),
        ];
        let folder = Folder::with("named", &files);
        let named =
            |name| Places { only: Some(folder.path(name)), config_home: Some(folder.path("xdg")), ..Places::default() };
        let settings = Settings::from_files(&named("named")).unwrap().settings;
        assert_eq!((settings.labels, settings.slots), (Labels::English, ShownTokens::Authentication));
        let unknown = Error::UnknownKey("slot".into(), Some("slots"));
        let wrong = Error::InFile(folder.0.join("wrong"), Box::new(Error::OnLine(2, Box::new(unknown))));
        assert_eq!(Settings::from_files(&named("wrong")), Err(wrong));
        let missing = Error::Unreadable(folder.0.join("missing"), ErrorKind::NotFound);
        assert_eq!(Settings::from_files(&named("missing")), Err(missing));
    }

    #[test]
    fn the_programs_string_comes_last() {
        let folder = Folder::with("string", &[("file", "labels = ja\nslots = auth")]);
        let places = Places { only: Some(folder.path("file")), ..Places::default() };
        let mut settings = Settings::from_files(&places).unwrap().settings;
        settings.apply_string("slots=sign").unwrap();
        assert_eq!((settings.labels, settings.slots), (Labels::Japanese, ShownTokens::Signature));
    }
}
