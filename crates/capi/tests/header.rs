//! `include/tieline_ws.h` says what the functions are: it is made from them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config, Language, RenameRule, SortKey};

const HEADER: &str = r#"/*
 * The WebSocket client of Tieline for C, C++ and all that calls C.
 *
 *   tieline_ws_options options = {.size = sizeof options, .url = "ws://localhost:8080/echo"};
 *   tieline_ws_client client;
 *   if (tieline_ws_connect(&options, &client) != TIELINE_WS_ERROR_NONE)
 *       return fprintf(stderr, "%s\n", tieline_ws_last_error(0, NULL)), 1;
 *   const tieline_ws_event *event;
 *   while (tieline_ws_poll(client, &event, -1) > 0)
 *       if (event->kind == TIELINE_WS_KIND_OPEN)
 *           tieline_ws_send_text(client, "hello", TIELINE_WS_NUL_TERMINATED);
 *       else if (event->kind == TIELINE_WS_KIND_MESSAGE)
 *           printf("%s\n", event->data), tieline_ws_close(client, 1000, NULL, 0);
 *   tieline_ws_free(client);
 *
 * Events: each line is OPEN, any MESSAGE and PONG, ERROR where it does not end well, CLOSE; an
 * attempt that opens no line is ERROR, CLOSE. With `reconnect` that begins anew while `retry_in_ms`
 * of CLOSE is not negative. After the last CLOSE poll answers TIELINE_WS_ERROR_CLOSED.
 *
 * Memory: the library copies what it is given before a function returns. What it gives is its own:
 * an event and all it points to until the same thread polls the same client again, or frees it.
 * Every text has its length, and a NUL behind it.
 *
 * Threads: any function from any thread, but none after fork() in the child. The library has one
 * thread of its own, from the first client to the last; it calls nothing of the program's.
 *
 * No function blocks but tieline_ws_poll with a time, and none changes errno.
 */"#;

/// A constant that cbindgen cannot work out.
const NUL_TERMINATED: &str = "
/**
 * The length of a text that ends with a NUL: it is counted.
 */
#define TIELINE_WS_NUL_TERMINATED SIZE_MAX
";
/// What it stands behind.
const INCLUDES: &str = "#include <stdint.h>\n";

/// The names that the types of the crate have in C.
const NAMES: [(&str, &str); 8] = [
    ("Callback", "tieline_ws_callback"),
    ("Code", "tieline_ws_error"),
    ("Event", "tieline_ws_event"),
    ("Handle", "tieline_ws_client"),
    ("Kind", "tieline_ws_kind"),
    ("MessageKind", "tieline_ws_message"),
    ("Options", "tieline_ws_options"),
    ("State", "tieline_ws_state"),
];

fn generated() -> String {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(HEADER.to_owned()),
        include_guard: Some("TIELINE_WS_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        sort_by: SortKey::None,
        usize_is_size_t: true,
        line_length: 100,
        tab_width: 4,
        ..Config::default()
    };
    let rename: HashMap<_, _> =
        NAMES.iter().map(|(ours, c)| ((*ours).to_owned(), (*c).to_owned())).collect();
    config.export.rename = rename;
    config.export.include = vec!["Code".into(), "State".into()];
    config.enumeration.rename_variants = RenameRule::QualifiedScreamingSnakeCase;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = [
        "code.rs",
        "state.rs",
        "event.rs",
        "border/events.rs",
        "border/given.rs",
        "border/options.rs",
        "border/functions.rs",
    ];
    let builder = files.iter().fold(Builder::new().with_config(config), |builder, file| {
        builder.with_src(source.join(file))
    });
    let mut bytes = Vec::new();
    builder.generate().unwrap().write(&mut bytes);
    let header = String::from_utf8(bytes).unwrap();
    // What makes a call safe in Rust is what a function expects in C.
    let header = header.replace(" * # Safety\n *\n", "");
    header.replacen(INCLUDES, &format!("{INCLUDES}{NUL_TERMINATED}"), 1)
}

#[test]
fn the_header_is_what_the_functions_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/tieline_ws.h");
    let generated = generated();
    if std::env::var_os("RENEW_HEADER").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "include/tieline_ws.h is not what the functions are: \
         RENEW_HEADER=1 cargo test -p tieline-capi --test header writes it anew"
    );
}
