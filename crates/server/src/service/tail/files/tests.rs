//! Real files, looked at step by step.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;

use super::*;
use tieline_store::Scratch;

struct Bench {
    folder: Scratch,
    followed: Followed,
}

/// What was said of a name.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Gap(&'static str),
    Line(String, String),
    Trouble(&'static str),
}

impl Bench {
    fn new(pattern: &str, last: usize) -> Self {
        let folder = Scratch::new();
        fs::create_dir_all(&*folder).unwrap();
        let plan = Plan {
            name: None,
            root: folder.to_path_buf(),
            pattern: Pattern::parse(pattern).unwrap(),
            last: (last, 1 << 20),
            max_line_bytes: 1 << 16,
            max_files: 10,
            poll_every: Duration::from_secs(1),
        };
        let wake = Arc::default();
        let watch = Watch::new(&wake);
        Self { folder, followed: Followed::new(plan, watch, &wake) }
    }

    fn append(&self, name: &str, text: &str) {
        append(&self.folder.join(name), text);
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.folder.join(from), self.folder.join(to)).unwrap();
    }

    /// Looks until there is nothing more.
    fn all(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        loop {
            let gave = self.followed.look(true);
            for (name, seen) in gave.seen {
                match seen {
                    Seen::Gap(reason) => said.push(Said::Gap(reason)),
                    Seen::Lines(lines) => said.extend(
                        lines
                            .iter()
                            .map(|line| Said::Line(name.to_string(), line.text.to_string())),
                    ),
                    Seen::Trouble(reason) => said.push(Said::Trouble(reason)),
                    Seen::Well => {}
                }
            }
            if !gave.has_more {
                return said;
            }
        }
    }

    /// The same, where there are only lines.
    fn lines(&mut self) -> Vec<String> {
        let all = self.all();
        let line = |said| match said {
            Said::Line(name, text) => format!("{name}: {text}"),
            other => panic!("{other:?}"),
        };
        all.into_iter().map(line).collect()
    }

    fn names(&self) -> Vec<&str> {
        self.followed.followers.values().map(|it| &**it.name()).collect()
    }

    fn open_files(&self) -> usize {
        self.followed.followers.values().flat_map(Follower::ids).count()
    }
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn the_last_lines_come_first_and_then_what_is_appended() {
    let mut bench = Bench::new("log", 2);
    bench.append("log", "1\n2\n3\n");
    assert_eq!(bench.lines(), ["log: 2", "log: 3"]);
    bench.append("log", "4\nha");
    assert_eq!(bench.lines(), ["log: 4"]);
    bench.append("log", "lf\n");
    assert_eq!(bench.lines(), ["log: half"]);
}

#[test]
fn a_file_that_is_not_there_yet_is_read_from_its_first_line() {
    let mut bench = Bench::new("log", 2);
    assert_eq!(bench.all(), [Said::Trouble("it is not there")]);
    assert_eq!(bench.names(), ["log"]);
    bench.append("log", "1\n2\n3\n");
    assert_eq!(bench.lines(), ["log: 1", "log: 2", "log: 3"]);
}

#[test]
fn a_rotated_file_is_read_on_beside_the_new_one_and_nothing_is_lost_or_doubled() {
    let mut bench = Bench::new("log", 2);
    bench.append("log", "1\n");
    bench.lines();
    bench.append("log", "2\n");
    bench.rename("log", "log.1");
    bench.append("log.1", "3\n");
    bench.append("log", "4\n");
    assert_eq!(bench.lines(), ["log: 2", "log: 3", "log: 4"]);
    // Whoever wrote to it has not opened the new one yet.
    bench.append("log.1", "5\n");
    bench.append("log", "6\n");
    assert_eq!(bench.lines(), ["log: 5", "log: 6"]);
    assert_eq!(bench.open_files(), 2);
}

#[test]
fn rotation_through_a_chain_of_names_that_all_match_doubles_nothing() {
    let mut bench = Bench::new("log*", 1);
    bench.append("log.1", "a\n");
    bench.append("log", "b\n");
    assert_eq!(bench.lines(), ["log: b", "log.1: a"]);
    bench.rename("log.1", "log.2");
    bench.rename("log", "log.1");
    bench.append("log", "c\n");
    assert_eq!(bench.lines(), ["log: c"]);
    bench.append("log.1", "late\n");
    assert_eq!(bench.lines(), ["log: late"]);
    for round in 0..3 {
        assert!(bench.lines().is_empty(), "{round}");
    }
}

#[test]
fn a_file_that_is_copied_and_truncated_is_read_from_its_first_line_and_that_is_told() {
    let mut bench = Bench::new("log", 2);
    bench.append("log", "1\n2\n");
    bench.lines();
    bench.append("log", "3\n");
    assert_eq!(bench.lines(), ["log: 3"]);
    fs::copy(bench.folder.join("log"), bench.folder.join("log.1")).unwrap();
    fs::File::create(bench.folder.join("log")).unwrap();
    bench.append("log", "4\n");
    let gap = Said::Gap("the file was shortened: what was not read by then is lost");
    assert_eq!(bench.all(), [gap, Said::Line("log".into(), "4".into())]);
}

#[test]
fn a_file_that_is_removed_and_made_anew_is_read_from_its_first_line() {
    let mut bench = Bench::new("log", 2);
    bench.append("log", "1\n");
    bench.lines();
    for round in 2..5 {
        fs::remove_file(bench.folder.join("log")).unwrap();
        assert!(bench.lines().is_empty());
        bench.append("log", &format!("{round}\n"));
        assert_eq!(bench.lines(), [format!("log: {round}")]);
    }
}

#[test]
fn new_files_that_match_are_followed_and_no_more_than_there_may_be() {
    let mut bench = Bench::new("*.log", 2);
    bench.append("a.log", "1\n2\n3\n");
    assert_eq!(bench.lines(), ["a.log: 2", "a.log: 3"]);
    bench.append("b.log", "4\n5\n6\n");
    bench.append("c.txt", "7\n");
    assert_eq!(bench.lines(), ["b.log: 4", "b.log: 5", "b.log: 6"]);
    for more in 0..20 {
        bench.append(&format!("m{more:02}.log"), "x\n");
    }
    bench.lines();
    assert_eq!(bench.open_files(), 10);
}

#[test]
fn a_link_that_leads_out_is_refused_also_when_it_is_put_there_later() {
    let mut bench = Bench::new("log", 2);
    let secret = Scratch::new();
    fs::create_dir_all(&*secret).unwrap();
    append(&secret.join("secret"), "secret\n");
    bench.append("log", "1\n");
    assert_eq!(bench.lines(), ["log: 1"]);
    for target in [secret.join("secret"), "/proc/self/environ".into()] {
        fs::remove_file(bench.folder.join("log")).unwrap();
        symlink(target, bench.folder.join("log")).unwrap();
        let refused = Said::Trouble("it leads out of the folder: it is not read");
        assert_eq!(bench.all(), [refused]);
    }
    fs::remove_file(bench.folder.join("log")).unwrap();
    bench.append("log", "2\n");
    assert_eq!(bench.lines(), ["log: 2"]);
}

#[test]
fn a_flood_in_one_file_does_not_keep_the_others_from_being_read() {
    let mut bench = Bench::new("*.log", 0);
    for name in ["a.log", "b.log", "c.log", "d.log", "e.log", "z.log"] {
        bench.append(name, "");
    }
    bench.lines();
    for name in ["a.log", "b.log", "c.log", "d.log", "e.log"] {
        bench.append(name, &"x\n".repeat(1 << 20));
    }
    bench.append("z.log", "here\n");
    let has_read = |gave: &Gave| gave.seen.iter().any(|(name, _)| &**name == "z.log");
    let looks = (0..10).take_while(|_| !has_read(&bench.followed.look(false))).count();
    assert!(looks < 3, "{looks}");
}

#[test]
fn a_folder_that_is_not_there_is_told_and_read_once_it_is() {
    let mut bench = Bench::new("log", 1);
    fs::remove_dir(&*bench.folder).unwrap();
    assert_eq!(bench.all(), [Said::Trouble("it is not there")]);
    fs::create_dir(&*bench.folder).unwrap();
    bench.append("log", "1\n2\n");
    assert_eq!(bench.lines(), ["log: 2"]);
}

#[test]
fn a_rotated_file_is_read_to_its_end_before_the_new_one() {
    let mut bench = Bench::new("log", 0);
    bench.append("log", "");
    bench.lines();
    // More than one look reads.
    bench.append("log", &"old\n".repeat(100_000));
    bench.followed.look(true);
    bench.rename("log", "log.1");
    bench.append("log", "new\n");
    let lines = bench.lines();
    assert_eq!(lines.last().unwrap(), "log: new");
    assert!(lines[..lines.len() - 1].iter().all(|line| line == "log: old"));
}

#[test]
fn a_file_that_had_the_name_between_two_looks_only_is_told() {
    let mut bench = Bench::new("log", 1);
    bench.append("log", "1\n");
    assert_eq!(bench.lines(), ["log: 1"]);
    for (number, kept) in [("2\n", "log.1"), ("3\n", "log.2")] {
        bench.rename("log", kept);
        bench.append("log", number);
    }
    // The system tells it in its own time.
    let since = Instant::now();
    let mut said = Vec::new();
    while said.len() < 2 && since.elapsed() < Duration::from_secs(60) {
        said.extend(bench.all());
    }
    let gap = Said::Gap("the file was another one between two looks: lines may be missing");
    let three = Said::Line("log".into(), "3".into());
    assert!(said.len() == 2 && said.contains(&gap) && said.contains(&three), "{said:?}");
}

#[test]
fn folders_that_match_are_not_meant() {
    let mut bench = Bench::new("*", 1);
    fs::create_dir(bench.folder.join("sub")).unwrap();
    bench.append("log", "1\n");
    assert_eq!(bench.lines(), ["log: 1"]);
    assert_eq!(bench.names(), ["log"]);
}
