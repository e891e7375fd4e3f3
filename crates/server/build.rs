//! Embeds the page: the built one, or a plain one that says how to build it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::{env, fs, io};

const PLAIN: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>Tieline</title>
<h1>Tieline serves</h1>
<p>This program was built without its page. To have it, run <code>make console</code> (it needs
Node.js 20.19 or later) and build the program again: <code>make run</code> does both.</p>
<p>The WebSocket services are there all the same: <code>/echo</code>, <code>/counter</code>,
<code>/chat</code> and <code>/room</code>, or what the configuration says.</p>
";

fn main() -> io::Result<()> {
    let built = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("../../web/console/dist");
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", built.display());

    let mut files = Vec::new();
    if built.join("index.html").is_file() {
        for entry in fs::read_dir(&built)? {
            files.push(entry?.path());
        }
        files.sort();
    } else {
        let plain = out.join("index.html");
        fs::write(&plain, PLAIN)?;
        files.push(plain);
    }

    // Name, bytes and tag of every file, for `include!`.
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.file_name().expect("a file has a name");
        let mut hasher = DefaultHasher::new();
        fs::read(&file)?.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        table += &format!("({name:?}, include_bytes!({file:?}), {tag:?}),\n");
    }
    fs::write(out.join("console.rs"), table + "]\n")
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
