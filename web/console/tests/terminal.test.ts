// What is said of terminals, their recordings, and what commands say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutput } from "../src/bridge/command/output.ts";
import { formatCommand, parseShellNews } from "../src/bridge/shell/wire.ts";
import { formatFilter, parseTailNews } from "../src/bridge/tail/wire.ts";
import { MAX_PAUSE, parseCast, placeAt } from "../src/bridge/terminal/cast.ts";
import {
  formatSize,
  parseNews,
  parseNotes,
  parseRecordings,
  parseSessions,
} from "../src/bridge/terminal/wire.ts";

test("news of a terminal are read, and nothing else is", () => {
  const session =
    '{"type":"session","id":"a1","command":"bash","columns":80,"rows":24,"may_type":true,"recorded":false}';
  assert.deepEqual(parseNews(session), {
    type: "session",
    session: { id: "a1", command: "bash", columns: 80, rows: 24, mayType: true, recorded: false },
  });
  assert.deepEqual(parseNews('{"type":"size","columns":120,"rows":40}'), {
    type: "size",
    columns: 120,
    rows: 40,
  });
  assert.deepEqual(parseNews('{"type":"viewers","names":["a","b",3],"count":120}'), {
    type: "viewers",
    names: ["a", "b"],
    count: 120,
  });
  assert.deepEqual(parseNews('{"type":"ended","code":0}'), { type: "ended", how: "ended with 0" });
  assert.deepEqual(parseNews('{"type":"ended","signal":"KILL"}'), {
    type: "ended",
    how: "ended by SIGKILL",
  });
  for (const wrong of ["", "[]", "null", '{"type":"size","columns":0,"rows":1}', '{"type":"x"}']) {
    assert.equal(parseNews(wrong), undefined, wrong);
  }
  assert.equal(formatSize(80, 24), '{"type":"size","columns":80,"rows":24}');
});

test("lists of sessions, recordings and notes are read", () => {
  const sessions =
    '[{"id":"a","command":"bash","since":"2026-01-02T03:04:05Z","columns":80,"rows":24,"viewers":["x"],"watching":3,"recorded":true},{}]';
  assert.deepEqual(parseSessions(sessions), [
    {
      id: "a",
      command: "bash",
      since: new Date("2026-01-02T03:04:05Z"),
      size: "80 × 24",
      viewers: ["x"],
      watching: 3,
      recorded: true,
    },
  ]);
  assert.deepEqual(parseSessions("no JSON"), []);
  const name = "20261122T024500Z-1f2e3d4c.cast";
  assert.deepEqual(parseRecordings(`[{"name":"${name}","bytes":4711},{},3]`), [
    { name, bytes: 4711, since: new Date("2026-11-22T02:45:00Z") },
  ]);
  const notes =
    '[{"at":"2026-01-02T03:04:05.000Z","audit":"ended","session":"1f","command":"sh","why":"lifetime","how":"code 0"},' +
    '{"at":"2026-01-02T03:04:05.000Z","audit":"typed","session":"1f","command":"sh","name":"a","input":"ls\\\\r"},{}]';
  const at = new Date("2026-01-02T03:04:05Z");
  const note = { at, session: "1f", command: "sh" };
  assert.deepEqual(parseNotes(notes), [
    { ...note, what: "ended", name: "", more: "code 0, lifetime" },
    { ...note, what: "typed", name: "a", more: "ls\\r" },
  ]);
});

test("a recording is read, with its pauses cut, and one that breaks off ends there", () => {
  const text =
    '{"version":2,"width":80,"height":24,"title":"bash"}\n[0.5,"o","a"]\n[60,"o","b"]\n[60.5,"r","100x30"]\n' +
    '[61,"i","secret"]\n[61,"o","c"]\n[62,"o","br';
  const cast = parseCast(text);
  assert(cast !== undefined);
  assert.deepEqual(cast.events, [
    { at: 0.5, what: { output: "a" } },
    { at: 0.5 + MAX_PAUSE, what: { output: "b" } },
    { at: 1 + MAX_PAUSE, what: { columns: 100, rows: 30 } },
    { at: 1.5 + MAX_PAUSE, what: { output: "c" } },
  ]);
  assert.deepEqual(
    [0, 0.5, 2, 2.5, 100].map((at) => placeAt(cast, at)),
    [0, 1, 1, 2, 4],
  );
  for (const wrong of ["", "x", '{"version":1,"width":80,"height":24}', '{"version":2}']) {
    assert.equal(parseCast(wrong), undefined, wrong);
  }
});

test("what a command says is cut into lines, however its messages are", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const lines = createOutput({ tagged: false, frame: "lines" });
  assert.deepEqual(lines.read("a line"), [{ stream: "stdout", line: "a line" }]);
  assert.deepEqual(lines.read(Uint8Array.of(0xff, 0x41)), [{ stream: "stdout", line: "ff 41" }]);
  assert.deepEqual(lines.read('{"stream":"stderr","line":"x"}')[0]?.stream, "stdout");
  const tagged = createOutput({ tagged: true, frame: "lines" });
  assert.deepEqual(tagged.read('{"stream":"stderr","line":"x"}'), [
    { stream: "stderr", line: "x" },
  ]);
  const euro = bytes("€\n");
  const cut = createOutput({ tagged: false, frame: "bytes" });
  assert.deepEqual(cut.read(bytes("one\ntw")), [{ stream: "stdout", line: "one" }]);
  assert.deepEqual(cut.read(bytes("o\r\n")), [{ stream: "stdout", line: "two" }]);
  assert.deepEqual(cut.read(euro.slice(0, 2)), []);
  assert.deepEqual(cut.read(euro.slice(2)), [{ stream: "stdout", line: "€" }]);
});

test("news of logs and of a shell are read, and wishes written", () => {
  assert.deepEqual(parseTailNews('{"source":"syslog","lines":["a","b"],"lossy":true}'), {
    type: "lines",
    source: "syslog",
    lines: ["a", "b"],
  });
  assert.deepEqual(parseTailNews('{"type":"gap","source":"s","reason":"away"}'), {
    type: "gap",
    source: "s",
    reason: "away",
  });
  assert.equal(parseTailNews('{"source":"s","lines":[1]}'), undefined);
  assert.equal(formatFilter({ kind: "none" }), '{"type":"filter"}');
  assert.equal(formatFilter({ kind: "regex", text: "a+" }), '{"type":"filter","regex":"a+"}');
  const state = '{"type":"state","value":3,"cmdStr":"ls","cmdRet":"[stdout]\\nx","now":"t"}';
  assert.deepEqual(parseShellNews(state), {
    type: "state",
    value: 3,
    last: { command: "ls", result: "[stdout]\nx", at: undefined },
  });
  assert.equal(formatCommand("ls"), '{"action":"cmd","cmdStr":"ls"}');
});
