//! What is typed and shown: by whom, to whom, and how much of it.

use std::fs;

use super::{Viewer, sessions, shell};
use crate::server::{Server, folder};

#[tokio::test]
async fn what_is_typed_is_answered_and_colours_and_bytes_pass_as_they_are() {
    let server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    assert!(viewer.may_type);
    viewer.types("echo $((6*7)).\n").await;
    viewer.sees("42.").await;
    viewer.types("printf '\\033[38;5;9mred\\033[0m\\377\\376\\n'\n").await;
    let shown = b"\x1B[38;5;9mred\x1B[0m\xFF\xFE";
    viewer.until(|it| it.output.windows(shown.len()).any(|seen| seen == shown)).await;
    viewer.types("echo $TERM,$COLORTERM,$PATH-\n").await;
    viewer.sees("xterm-256color,truecolor,/").await;
}

#[tokio::test]
async fn only_what_is_listed_of_the_servers_environment_is_there() {
    let file = folder().join("tieline.toml");
    fs::write(
        &file,
        "[[route]]\npath = '/t'\nservice = { kind = 'terminal', argv = ['env'], keep = '0s' }\n",
    )
    .unwrap();
    let mut command = crate::server::tieline();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()]);
    command.env("CANARY_SECRET", "canary-5e1f").env("HOME", "/canary-home");
    let server = Server::spawn(&mut command, 1);
    let mut viewer = Viewer::join(&server, "/t").await;
    viewer.is_told(r#"{"type":"ended","code":0}"#).await;
    assert!(viewer.has_seen("HOME=/canary-home") && viewer.has_seen("TERM=xterm-256color"));
    assert!(!viewer.has_seen("CANARY_SECRET") && !viewer.has_seen("canary-5e1f"));
}

#[tokio::test]
async fn the_size_is_that_of_who_may_type_and_asked_last() {
    let server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let mut other = Viewer::again(&server, "/t", &viewer.id).await;
    viewer.types("stty size\n").await;
    viewer.sees("24 80").await;
    other.says(r#"{"type":"size","columns":50,"rows":5}"#).await;
    other.leave().await;
    viewer.says(r#"{"type":"size","columns":1001,"rows":5}"#).await;
    viewer.says(r#"{"type":"size","columns":100,"rows":30}"#).await;
    viewer.is_told(r#"{"type":"size","columns":100,"rows":30}"#).await;
    viewer.types("stty size\n").await;
    viewer.sees("30 100").await;
    assert!(!viewer.has_seen("5 50"));
}

#[tokio::test]
async fn who_comes_back_finds_the_same_screen_and_types_on() {
    let server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    viewer.types("echo marker-$((40+2)); echo -e '\\033[32mgreen\\033[0m'; X=kept\n").await;
    viewer.sees("marker-42").await;
    viewer.sees("\u{1B}[32mgreen").await;
    let id = viewer.id.clone();
    viewer.leave().await;
    let mut viewer = Viewer::again(&server, "/t", &id).await;
    assert!(viewer.may_type && viewer.has_seen("marker-42") && viewer.has_seen("\u{1B}[32mgreen"));
    viewer.types("echo $X-$$.\n").await;
    viewer.sees(&format!("kept-{shell}.")).await;
}

#[tokio::test]
async fn a_second_viewer_sees_all_and_types_nothing() {
    let server = shell("typing = 'first'");
    let mut first = Viewer::join(&server, "/t").await;
    let mut second = Viewer::again(&server, "/t", &first.id).await;
    assert!(first.may_type && !second.may_type);
    first.is_told(r#""names":["127.0.0.1","127.0.0.1"]"#).await;
    let listed = sessions(&server);
    assert_eq!(listed[0]["command"], "bash");
    assert_eq!(listed[0]["viewers"].as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["id"], first.id.as_str());
    second.types("echo intruder-$((1+1))\n").await;
    second.says(r#"{"type":"end"}"#).await;
    second.leave().await;
    let mut second = Viewer::again(&server, "/t", &first.id).await;
    first.types("echo first-$((2+2))\n").await;
    first.sees("first-4").await;
    second.sees("first-4").await;
    assert!(!first.has_seen("intruder") && !second.has_seen("intruder"));
    // When the first is gone, the next line of the same person types.
    first.leave().await;
    second.is_told(r#""may_type":true"#).await;
    second.types("echo second-$((3+3))\n").await;
    second.sees("second-6").await;
}

#[tokio::test]
async fn nobody_types_unless_that_is_written() {
    let server = shell("");
    let mut viewer = Viewer::join(&server, "/t").await;
    assert!(!viewer.may_type);
    viewer.types("exit 7\n").await;
    viewer.says(r#"{"type":"end"}"#).await;
    let id = viewer.id.clone();
    viewer.leave().await;
    let viewer = Viewer::again(&server, "/t", &id).await;
    assert!(!viewer.has_seen("exit"));
}

#[tokio::test]
async fn where_there_is_one_session_only_all_share_it() {
    let server = shell("typing = 'all'\nmax_sessions = 1");
    let mut first = Viewer::join(&server, "/t").await;
    let mut second = Viewer::join(&server, "/t").await;
    assert_eq!(first.id, second.id);
    second.types("echo both-$((4+4))\n").await;
    first.sees("both-8").await;
}

#[tokio::test]
async fn a_flood_keeps_memory_flat_and_who_did_not_read_is_painted_the_screen() {
    let line = "x".repeat(70);
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/t'\nlimits = {{ ping_after = '0s' }}\n\
         [route.service]\nkind = 'terminal'\noutput = '67108864/1s'\n\
         argv = ['sh', '-c', 'read go; yes {line} | head -c 33554432; echo; echo done-$((3+4)); read go']\n\
         typing = 'first'\nmax_sessions = 1\n",
    ));
    let mut reader = Viewer::join(&server, "/t").await;
    let mut sleeper = Viewer::join(&server, "/t").await;
    let before = server.resident_kib();
    reader.types("\n").await;
    let mut most = before;
    while !reader.has_seen("done-7") {
        reader.output.drain(..reader.output.len().saturating_sub(64));
        assert!(reader.step().await);
        most = most.max(server.resident_kib());
    }
    // 32 MiB went by, and the sleeper has taken none of it.
    assert!(most - before < 12 << 10, "{before} KiB before, {most} KiB then");
    sleeper.sees("done-7").await;
    assert!(sleeper.output.len() < 16 << 20, "{}", sleeper.output.len());
    sleeper.is_told(r#"{"type":"size","columns":80,"rows":24}"#).await;
}

#[tokio::test]
async fn the_same_size_again_is_no_news_and_the_least_and_the_most_are_sizes() {
    let server = shell("typing = 'all'");
    let mut viewer = Viewer::join(&server, "/t").await;
    for (columns, rows) in [(100, 30), (100, 30), (1, 1), (1000, 1000), (80, 24)] {
        viewer.says(&format!(r#"{{"type":"size","columns":{columns},"rows":{rows}}}"#)).await;
        viewer.is_told(&format!(r#""columns":{columns},"rows":{rows}}}"#)).await;
    }
    let sizes = viewer.news.iter().filter(|news| news.contains(r#""type":"size""#)).count();
    assert_eq!(sizes, 4, "{:?}", viewer.news);
    viewer.types("stty size\n").await;
    viewer.sees("24 80").await;
}
