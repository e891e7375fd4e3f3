//! Puts the page where the compiler embeds it: the built one, or a plain one that says how to build it.

use std::path::{Path, PathBuf};
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
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let built = manifest.join("../../web/console/dist");
    let out = PathBuf::from(variable("OUT_DIR")).join("console");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", built.display());
    println!("cargo:rustc-env=TIELINE_CONSOLE={}", out.display());

    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    if built.join("index.html").is_file() {
        copy(&built, &out)
    } else {
        fs::create_dir_all(&out)?;
        fs::write(out.join("index.html"), PLAIN)
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
