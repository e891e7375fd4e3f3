//! Names the shared library: a program looks for it under this name, and not where it was linked from.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    let name = match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("windows") => return,
        Ok("macos") => format!("-install_name,@rpath/libtieline_ws.{major}.dylib"),
        _ => format!("-soname,libtieline_ws.so.{major}"),
    };
    println!("cargo:rustc-cdylib-link-arg=-Wl,{name}");
}
