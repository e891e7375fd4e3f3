//! Where a program is that is named without its folder.
//!
//! A program whose path is known is started without a copy of the server's memory map.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Access, access};

use super::environment::Variables;

/// Where the program was that was looked for last: mostly it is the only one.
#[derive(Debug, Default)]
pub(super) struct Whereabouts(Mutex<Option<Found>>);

#[derive(Clone, Debug)]
struct Found {
    name: String,
    folders: OsString,
    file: PathBuf,
}

impl Whereabouts {
    /// The file of a program in the first folder of the `PATH` that it will have which has it. `None`
    /// where its name has a slash, and where the system is to look itself.
    pub(super) fn of(&self, name: &str, variables: &Variables) -> Option<PathBuf> {
        if name.contains('/') {
            return None;
        }
        let (_, folders) = variables.iter().rfind(|(name, _)| name == "PATH")?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |last: &&Found| last.name == name && last.folders == *folders && may_be_run(&last.file);
        if let Some(last) = last.as_ref().filter(is_it) {
            return Some(last.file.clone());
        }
        let file = find(name, folders)?;
        *last = Some(Found { name: name.into(), folders: folders.clone(), file: file.clone() });
        Some(file)
    }
}

fn find(name: &str, folders: &OsStr) -> Option<PathBuf> {
    // What is relative is so to the folder in which the program will run.
    let mut files =
        env::split_paths(folders).take_while(|it| it.is_absolute()).map(|it| it.join(name));
    files.find(|file| file.is_file() && may_be_run(file))
}

fn may_be_run(file: &Path) -> bool {
    access(file, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use tieline_store::Scratch;

    #[test]
    fn a_program_is_looked_for_in_the_path_that_it_will_have() {
        let found = |path: &str| Whereabouts::default().of("sh", &vec![path_of(path)]);
        assert_eq!(found("/nonexistent:/proc:/bin"), Some("/bin/sh".into()));
        assert_eq!(found("/nonexistent"), None);
        assert_eq!(found("here:/bin"), None);
        assert_eq!(Whereabouts::default().of("/bin/sh", &vec![path_of("/bin")]), None);
        assert_eq!(Whereabouts::default().of("sh", &Variables::new()), None);
    }

    #[test]
    fn a_program_that_has_moved_is_looked_for_again() {
        let folder = Scratch::new();
        let [one, two] = ["1", "2"].map(|name| folder.join(name));
        let variables = vec![path_of(&format!("{}:{}", one.display(), two.display()))];
        let whereabouts = Whereabouts::default();
        for place in [&one, &two] {
            fs::create_dir_all(place).unwrap();
            let file = place.join("program");
            File::create(&file).unwrap().set_permissions(Permissions::from_mode(0o755)).unwrap();
            assert_eq!(whereabouts.of("program", &variables), Some(file));
            fs::remove_dir_all(place).unwrap();
        }
        assert_eq!(whereabouts.of("program", &variables), None);
    }

    fn path_of(folders: &str) -> (OsString, OsString) {
        ("PATH".into(), folders.into())
    }
}
