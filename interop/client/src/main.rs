//! The client side of the interop suites.
fn main() {}
