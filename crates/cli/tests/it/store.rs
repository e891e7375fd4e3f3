//! What outlives the server: one at a time has it, and what is wrong with it is told.

use std::fs;
use std::path::Path;

use crate::server::{Server, folder, run};

/// A configuration with its store in this folder.
fn config(folder: &Path) -> String {
    let store = folder.join("store");
    let file = folder.join("tieline.toml");
    let route = "[[route]]\npath = '/'\nservice = { kind = 'echo' }\n";
    fs::write(&file, format!("[store]\npath = '{}'\n{route}", store.display())).unwrap();
    file.display().to_string()
}

/// The error of a server that cannot begin.
fn refused(config: &str) -> String {
    let ended = run(&["serve", "--listen", "127.0.0.1:0", "--config", config]);
    assert_eq!(ended.status.code(), Some(1));
    String::from_utf8(ended.stderr).unwrap()
}

#[test]
fn a_store_has_one_server_at_a_time_and_a_kill_lets_it_go() {
    let folder = folder();
    let config = config(&folder);
    for _ in 0..2 {
        let server = Server::start(&["--config", &config]);
        let error = refused(&config);
        assert!(error.contains("in use by another process"), "{error}");
        assert!(error.contains("help: stop the other process"), "{error}");
        // It is killed, not told to stop.
        drop(server);
    }
    assert!(folder.join("store").is_dir());
}

#[test]
fn a_store_that_is_damaged_is_told_and_left_as_it_is() {
    let folder = folder();
    let config = config(&folder);
    drop(Server::start(&["--config", &config]));
    let version = folder.join("store/version");
    fs::write(&version, "nonsense").unwrap();
    let error = refused(&config);
    assert!(error.contains("is no store, or a damaged one"), "{error}");
    assert!(error.contains("restored from a copy"), "{error}");
    assert_eq!(fs::read(&version).unwrap(), b"nonsense");
}
