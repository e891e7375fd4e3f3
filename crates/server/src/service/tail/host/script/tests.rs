//! The script, run by the shells of this machine.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::service::tail::before::Before;
use crate::service::tail::host::stream::{Kind, Piece, Stream};
use tieline_store::Scratch;

/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shell that runs the script, and what it has said.
struct Shell {
    child: Child,
    pieces: Arc<Mutex<Vec<Piece>>>,
}

fn shells() -> Vec<Vec<&'static str>> {
    let all = [vec!["sh"], vec!["bash"], vec!["dash"], vec!["busybox", "sh"]];
    let runs = |shell: &Vec<&str>| {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", "true"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let here: Vec<_> = all.into_iter().filter(runs).collect();
    assert!(!here.is_empty(), "there is no shell");
    here
}

impl Shell {
    fn start(shell: &[&str], path: &Path, place: Option<&Place>) -> Self {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let script = script(&Plan::by_hand(path.to_str().unwrap()), place, "abc");
        child.stdin.as_mut().unwrap().write_all(script.as_bytes()).unwrap();
        let pieces: Arc<Mutex<Vec<Piece>>> = Arc::default();
        let (mut stdout, said) = (child.stdout.take().unwrap(), Arc::clone(&pieces));
        thread::spawn(move || {
            let (mut stream, mut block) = (Stream::new("abc"), [0; 4_096]);
            while let Ok(len @ 1..) = stdout.read(&mut block) {
                stream.put(&block[..len]);
                let mut said = said.lock().unwrap();
                while let Some(piece) = stream.next() {
                    match (said.last_mut(), piece) {
                        (Some(Piece::Bytes(last)), Piece::Bytes(more)) => {
                            last.extend_from_slice(&more);
                        }
                        (_, piece) => said.push(piece),
                    }
                }
            }
        });
        Self { child, pieces }
    }

    /// Waits until this was said since the last call: the kinds of marks, and bytes.
    fn expect(&self, expected: &[&str]) {
        self.wait_for(expected, |said| said == expected);
    }

    /// The same, whatever was said before it.
    fn expect_last(&self, expected: &[&str]) {
        self.wait_for(expected, |said| said.ends_with(expected));
    }

    /// Waits until it has seen this file, which it may not have read by then.
    fn wait_until_open(&self, path: &Path) {
        let id = |path: &Path| fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
        let (since, wanted) = (Instant::now(), id(path));
        let is_it = |open: fs::DirEntry| id(&open.path()) == wanted;
        let folder = format!("/proc/{}/fd", self.child.id());
        while !fs::read_dir(&folder).unwrap().flatten().any(is_it) {
            assert!(since.elapsed() < PATIENCE, "{} is not opened", path.display());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_for(&self, expected: &[&str], is_it: impl Fn(&[&str]) -> bool) {
        let since = Instant::now();
        loop {
            let said: Vec<_> = self.pieces.lock().unwrap().iter().map(written).collect();
            if is_it(&said.iter().map(String::as_str).collect::<Vec<_>>()) {
                return self.pieces.lock().unwrap().clear();
            }
            assert!(since.elapsed() < PATIENCE, "{said:?} and not {expected:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This file, with these bytes read of it.
fn place(path: &Path, read: &str) -> Place {
    let metadata = fs::metadata(path).unwrap();
    let id = format!("{}:{}", metadata.dev(), metadata.ino());
    Place { id, offset: read.len() as u64, before: Before::new(read.as_bytes()) }
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Piece::Mark(kind, _, offset) => format!("{kind:?} {offset}"),
    }
}

fn append(path: &Path, text: &str) {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

fn each_shell(test: impl Fn(&[&str], &Path) + Sync) {
    thread::scope(|scope| {
        for shell in shells() {
            let test = &test;
            scope.spawn(move || {
                let scratch = Scratch::new();
                // Nothing in a path is anything to a shell.
                let folder = scratch.join("-a '\"$(touch x) b\n*");
                fs::create_dir_all(&folder).unwrap();
                test(&shell, &folder.join("-l'og"));
            });
        }
    });
}

#[test]
fn the_last_lines_come_first_and_then_what_is_appended() {
    each_shell(|shell, path| {
        append(path, "1\n22\n333\n");
        let running = Shell::start(shell, path, None);
        running.expect(&["Begin 1", "\n22\n333\n"]);
        append(path, "4\nha");
        append(path, "lf\n");
        running.expect(&["4\nhalf\n"]);
    });
}

#[test]
fn a_file_that_is_not_there_yet_is_read_from_its_first_byte() {
    each_shell(|shell, path| {
        let running = Shell::start(shell, path, None);
        running.expect(&["None 0"]);
        append(path, "1\n2\n3\n");
        running.expect(&["New 0", "1\n2\n3\n"]);
    });
}

#[test]
fn a_rotated_file_is_read_to_its_end_first_and_a_truncated_one_is_told() {
    each_shell(|shell, path| {
        append(path, "1\n");
        let running = Shell::start(shell, path, None);
        running.expect(&["Begin 0", "1\n"]);
        let old = path.with_file_name("old");
        fs::rename(path, &old).unwrap();
        append(&old, "2\n");
        append(path, "3\n");
        running.expect(&["2\n", "New 0", "3\n"]);
        fs::write(path, "").unwrap();
        running.expect(&["Cut 0"]);
        append(path, "4\n");
        running.expect(&["4\n"]);
    });
}

#[test]
fn reading_goes_on_where_it_was_left_whatever_the_file_is_called_by_now() {
    each_shell(|shell, path| {
        append(path, "1\n");
        let place = place(path, "1\n");
        append(path, "2\n");
        Shell::start(shell, path, Some(&place)).expect(&["Same 2", "2\n"]);

        fs::rename(path, path.with_file_name("o'ld 1")).unwrap();
        append(path, "3\n");
        Shell::start(shell, path, Some(&place)).expect(&["Old 2", "2\n", "New 0", "3\n"]);

        fs::remove_file(path.with_file_name("o'ld 1")).unwrap();
        Shell::start(shell, path, Some(&place)).expect(&["Lost 0", "3\n"]);
    });
}

#[test]
fn another_file_that_was_given_the_number_is_not_read_from_the_middle() {
    each_shell(|shell, path| {
        append(path, "1\n2\n");
        let place = place(path, "x\n");
        Shell::start(shell, path, Some(&place)).expect(&["Cut 0", "1\n2\n"]);
    });
}

#[test]
fn a_file_that_was_shortened_meanwhile_is_read_from_its_first_byte() {
    each_shell(|shell, path| {
        append(path, "1\n2\n");
        let place = place(path, "1\n2\n");
        fs::write(path, "3\n").unwrap();
        Shell::start(shell, path, Some(&place)).expect(&["Cut 0", "3\n"]);
    });
}

#[test]
fn a_file_that_was_written_anew_and_is_no_shorter_is_read_from_its_first_byte() {
    each_shell(|shell, path| {
        append(path, "1\n2\n");
        let running = Shell::start(shell, path, None);
        running.expect(&["Begin 0", "1\n2\n"]);
        let place = place(path, "1\n2\n");
        // What is put behind the old end while that is being read is said as well.
        fs::write(path, "3\n4\n5\n").unwrap();
        running.expect_last(&["Cut 0", "3\n4\n5\n"]);
        fs::write(path, "6\n7\n8\n").unwrap();
        running.expect_last(&["Cut 0", "6\n7\n8\n"]);
        drop(running);
        Shell::start(shell, path, Some(&place)).expect(&["Cut 0", "6\n7\n8\n"]);
    });
}

#[test]
fn no_file_is_left_out_when_one_rotation_follows_the_other() {
    each_shell(|shell, path| {
        append(path, "1\n");
        let running = Shell::start(shell, path, None);
        running.expect(&["Begin 0", "1\n"]);
        for (number, kept) in [("2\n", "log.1"), ("3\n", "log.2"), ("4\n", "log.3")] {
            fs::rename(path, path.with_file_name(kept)).unwrap();
            append(path, number);
            running.wait_until_open(path);
        }
        running.expect(&["New 0", "2\n", "New 0", "3\n", "New 0", "4\n"]);
    });
}

#[test]
fn a_second_rotation_while_nobody_looked_is_told() {
    each_shell(|shell, path| {
        append(path, "1\n");
        let place = place(path, "1\n");
        let name = |number: u32| path.with_extension(number.to_string());
        fs::rename(path, name(2)).unwrap();
        // What is written later has a later time, however coarse that is.
        let before = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().append(true).open(name(2)).unwrap().set_modified(before).unwrap();
        append(path, "2\n");
        fs::rename(path, name(1)).unwrap();
        append(path, "3\n");
        Shell::start(shell, path, Some(&place)).expect(&["Old 2", "Lost 0", "3\n"]);
    });
}

#[test]
fn it_ends_with_its_standard_input() {
    each_shell(|shell, path| {
        append(path, "1\n");
        let mut running = Shell::start(shell, path, None);
        running.expect(&["Begin 0", "1\n"]);
        drop(running.child.stdin.take());
        let since = Instant::now();
        while running.child.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn kinds_are_those_that_the_stream_knows() {
    for word in ["begin", "cut", "lost", "new", "old", "same"] {
        assert!(
            SCRIPT.contains(&format!("{word} ")) || SCRIPT.contains(&format!("={word}")),
            "{word}"
        );
    }
    let mut stream = Stream::new("abc");
    stream.put(b"\x1eabc none - 0\n");
    assert_eq!(stream.next(), Some(Piece::Mark(Kind::None, "-".into(), 0)));
}
