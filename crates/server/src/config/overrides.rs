//! What the command line and the environment say instead of the file.

use super::file::{File, Listener, LogFormat, LogLevel};
use super::span::Span;

/// Settings that win over those of a [`File`]; the command line has filled them from its flags,
/// and from the environment where there is no flag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "options are plain structs")]
pub struct Overrides {
    /// Addresses, `unix:PATH` for sockets and `systemd:NAME` for those that systemd opened; they replace the file's listeners. Default none.
    pub listen: Vec<String>,
    /// Worker threads. Default those of the file.
    pub workers: Option<usize>,
    /// Switches the old drafts on or off at every listener. Default what the file says of each.
    pub legacy: Option<bool>,
    /// Time to drain. Default that of the file.
    pub drain: Option<Span>,
    /// Form of the log. Default that of the file.
    pub log_format: Option<LogFormat>,
    /// Least important level of the log. Default that of the file.
    pub log_level: Option<LogLevel>,
}

impl Overrides {
    /// The file with these settings in it, and a listener where neither names one.
    pub fn apply(&self, mut file: File) -> File {
        if !self.listen.is_empty() {
            file.listener = self.listen.iter().map(|place| listener(place)).collect();
        } else if file.listener.is_empty() {
            file.listener = vec![listener(File::DEFAULT_ADDRESS)];
        }
        for listener in &mut file.listener {
            listener.legacy = self.legacy.unwrap_or(listener.legacy);
        }
        file.workers = self.workers.or(file.workers);
        file.drain = self.drain.unwrap_or(file.drain);
        file.log.format = self.log_format.or(file.log.format);
        file.log.level = self.log_level.unwrap_or(file.log.level);
        file
    }
}

/// A listener as a flag names it: everything but the place is as by default.
fn listener(place: &str) -> Listener {
    match place.split_once(':') {
        Some(("systemd", name)) => Listener { systemd: Some(name.into()), ..Listener::default() },
        Some(("unix", path)) => Listener { unix: Some(path.into()), ..Listener::default() },
        _ => Listener { address: Some(place.to_owned()), ..Listener::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let mut file = File { workers: Some(3), ..File::default() };
        file.listener.push(listener("127.0.0.1:1"));
        let flags = Overrides { workers: Some(2), legacy: Some(true), ..Overrides::default() };
        let both = flags.apply(file.clone());
        assert_eq!((both.workers, both.listener.len()), (Some(2), 1));
        assert!(both.listener[0].legacy);
        assert_eq!(Overrides::default().apply(file).workers, Some(3));
    }

    #[test]
    fn the_old_drafts_are_switched_on_and_off_or_left_to_the_file() {
        for (told, written, spoken) in [
            (Some(false), true, false),
            (Some(true), false, true),
            (None, true, true),
            (None, false, false),
        ] {
            let mut file = File::default();
            file.listener.push(Listener { legacy: written, ..listener("127.0.0.1:1") });
            let file = Overrides { legacy: told, ..Overrides::default() }.apply(file);
            assert_eq!(file.listener[0].legacy, spoken, "{told:?} over {written}");
        }
    }

    #[test]
    fn the_listeners_of_the_flags_replace_those_of_the_file() {
        let mut file = File::default();
        file.listener.push(listener("127.0.0.1:1"));
        let listen = vec!["[::1]:2".to_owned(), "unix:/run/x.sock".to_owned()];
        let file = Overrides { listen, ..Overrides::default() }.apply(file);
        assert_eq!(file.listener[0].address.as_deref(), Some("[::1]:2"));
        assert_eq!(file.listener[1].unix, Some(PathBuf::from("/run/x.sock")));
    }

    #[test]
    fn without_a_listener_there_is_the_default_one() {
        let file = Overrides::default().apply(File::default());
        assert_eq!(file.listener[0].address.as_deref(), Some(File::DEFAULT_ADDRESS));
    }
}
