//! The examples in C, C++ and Lua, compiled and run as a newcomer would, against a server of ours.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;

use crate::server::*;

mod server;

const HERE: &str = env!("CARGO_MANIFEST_DIR");
/// What the linker needs beside the static library.
const SYSTEM: [&str; 3] = ["-lpthread", "-ldl", "-lm"];
const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];

/// The folder in which cargo has put the libraries that belong to this test.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// Compiles with AddressSanitizer, which looks for leaks as well, and UndefinedBehaviorSanitizer.
fn compile(compiler: &str, standard: &str, source: &Path, name: &str) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let done = Command::new(compiler)
        .args([standard, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .args(STRICT)
        .arg(format!("-I{HERE}/include"))
        .arg(source)
        .arg(libraries().join("libtieline_ws.a"))
        .args(SYSTEM)
        .arg("-o")
        .arg(&program)
        .output();
    let done =
        done.unwrap_or_else(|error| panic!("`{compiler}` (scripts/setup installs it): {error}"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    program
}

/// Runs a program with this standard input.
fn run(program: &mut Command, input: &str) -> Output {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program:?} (scripts/setup installs it): {error}"));
    // A program that ends before it has read all tells why in its output.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// An echo of three lines, of which one loses the line first; a wrong URL; and nothing at all.
fn speaks(mut program: impl FnMut() -> Command) {
    let first: &AtomicBool = Box::leak(Box::new(AtomicBool::new(true)));
    let url = url(serve(move |socket| echo_after_a_drop(socket, first)));
    let url = url.to_str().unwrap();
    let done = run(program().arg(url), "hello\ndrop once\nadiós\n");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "hello\ndrop once\nadiós\n", "{said}");
    assert!(done.status.success(), "{said}");
    assert_eq!(said.matches("open").count(), 2, "{said}");
    assert!(
        said.contains("error: the line was lost") && said.ends_with("closed: 1000 \n"),
        "{said}"
    );

    let done = run(program().arg("http://localhost/"), "");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("ws"), "{said}");
    let done = run(&mut program(), "");
    assert!(String::from_utf8_lossy(&done.stderr).starts_with("usage: "));
}

#[test]
fn the_example_in_c_echoes_and_comes_back_and_leaks_nothing() {
    let program = compile("cc", "-std=c11", &Path::new(HERE).join("examples/c/echo.c"), "echo-c");
    speaks(|| Command::new(&program));
}

#[test]
fn the_example_in_cpp_echoes_and_comes_back_and_leaks_nothing() {
    let source = Path::new(HERE).join("examples/cpp/echo.cpp");
    let program = compile("c++", "-std=c++17", &source, "echo-cpp");
    speaks(|| Command::new(&program));
}

#[test]
fn the_example_in_lua_echoes_and_comes_back() {
    speaks(|| {
        let mut program = Command::new("luajit");
        program.arg(Path::new(HERE).join("examples/lua/echo.lua"));
        program.env("TIELINE_WS", libraries().join("libtieline_ws.so"));
        program
    });
}

/// The programs in a page, by the language of their fence.
fn programs_of(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(str::to_owned).collect()
}

#[test]
fn the_programs_of_the_documentation_compile_as_every_version_of_their_language() {
    let page = fs::read_to_string(Path::new(HERE).join("../../docs/capi.md")).unwrap();
    let versions = [
        ("c", "cc", ["-std=c99", "-std=c11", "-std=c2x"]),
        ("cpp", "c++", ["-std=c++17", "-std=c++20", "-std=c++23"]),
    ];
    for (language, compiler, standards) in versions {
        let [program] = programs_of(&page, language).try_into().unwrap();
        let source = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("docs.{language}"));
        fs::write(&source, &program).unwrap();
        for standard in standards {
            let done = Command::new(compiler)
                .args([standard, "-fsyntax-only", &format!("-I{HERE}/include")])
                .args(STRICT)
                .arg(&source)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{standard}: {said}");
        }
    }
}

#[test]
fn the_wrapper_in_cpp_keeps_what_it_promises() {
    let source = Path::new(HERE).join("tests/wrapper.cpp");
    let program = compile("c++", "-std=c++17", &source, "wrapper");
    let url = url(serve(echo));
    let done = run(Command::new(program).arg(url.to_str().unwrap()), "");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
