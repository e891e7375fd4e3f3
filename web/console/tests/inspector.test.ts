// The inspector: events as rows, filters, headers bit by bit, and a table that stays bounded.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, fieldsOf, masked } from "../src/inspector/bits.ts";
import { formatTrips, unseen, withEvent } from "../src/inspector/connections.ts";
import { createInspector } from "../src/inspector/desk.ts";
import { type FrameEvent, type InspectEvent, readEvent } from "../src/inspector/events.ts";
import { EVERYTHING, fits } from "../src/inspector/filter.ts";
import { eachLine } from "../src/inspector/lines.ts";
import { bytesOf, MAX_KEPT_BYTES, rowOf, trimmed } from "../src/inspector/rows.ts";
import { createRecorder, MAX_ROWS } from "../src/inspector/trace.ts";
import { type LineInfo, Refused } from "../src/operator/api.ts";

/** RFC 6455 §5.7, the masked "Hello". */
const HELLO: FrameEvent = {
  event: "frame",
  time: 1.5,
  from: "client",
  offset: 0,
  head: "818537fa213d",
  fin: true,
  rsv: 0,
  opcode: 1,
  mask: "37fa213d",
  name: "text",
  length: 5,
  payload: "48656c6c6f",
  message: { text: "Hello" },
};

const LINE: LineInfo = {
  line: 7,
  listener: "127.0.0.1:8080",
  route: "/chat",
  from: "127.0.0.1:5000",
  user: null,
  since_ms: 0,
  messages_in: 0,
  bytes_in: 0,
  messages_out: 0,
  bytes_out: 0,
  waiting_bytes: 0,
};

function shown(more: Partial<FrameEvent>): string | undefined {
  return rowOf({ ...HELLO, message: null, ...more }, 1)?.shown;
}

/** An answer with this body, in pieces. */
function answer(...pieces: (string | Uint8Array)[]): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) {
        controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      }
      controller.close();
    },
  });
  return new Response(body);
}

test("the masked Hello of the RFC is drawn bit by bit", () => {
  const fields = fieldsOf(bytesOf(HELLO.head));
  assert.deepEqual(
    fields.map(({ name, bits }) => [name, bits.length]),
    [
      ["FIN", 1],
      ["RSV1", 1],
      ["RSV2", 1],
      ["RSV3", 1],
      ["opcode", 4],
      ["MASK", 1],
      ["payload length", 7],
      ["masking key", 32],
    ],
  );
  assert.equal(fields[4]?.says, "0x1 text");
  assert.equal(fields.at(-1)?.says, "37 fa 21 3d");
  const rows = drawn(fields, 32);
  assert.deepEqual(
    rows.map((row) => row.reduce((sum, { bits }) => sum + bits.length, 0)),
    [32, 16],
  );
  const key = rows.flat().filter(({ field }) => field.name === "masking key");
  assert.deepEqual(
    key.map(({ column, goesOn }) => [column, goesOn]),
    [
      [16, false],
      [0, true],
    ],
  );
  const wire = masked(bytesOf(HELLO.payload), bytesOf("37fa213d"));
  assert.deepEqual(wire, bytesOf("7f9f4d5158"));
});

test("lengths of two and of eight bytes are read, and a header that is cut off says so", () => {
  const says = (head: string) => fieldsOf(bytesOf(head)).at(-1)?.says;
  assert.equal(says("827e0100"), "256 bytes");
  assert.equal(says("827f0000000000010000"), "65536 bytes");
  assert.equal(says("827f00"), "cut off");
  assert.equal(says("828537"), "cut off");
  assert.equal(fieldsOf(bytesOf("82")).length, 5);
  assert.equal(fieldsOf(bytesOf("")).length, 0);
});

test("compressed bytes are never shown as text", () => {
  assert.equal(shown({ rsv: 4, payload: "f248cdc9" }), "compressed: f2 48 cd c9");
  assert.equal(shown({ rsv: 0 }), "Hello");
  assert.equal(shown({ rsv: 4, unread: "unknown deflate context" }), "unknown deflate context");
  assert.equal(shown({ rsv: 4, message: { text: "inflated" } }), "inflated");
});

test("what comes of a frame is said in its row", () => {
  assert.equal(shown({ close: { code: 1000, reason: "done" } }), "1000 normal closure “done”");
  assert.equal(shown({ error: { what: "reserved bit", code: 1002 } }), "reserved bit (1002)");
  assert.equal(shown({ cut_off: { missing: 3 } }), "cut off: 3 B missing");
  assert.equal(shown({ round_trip: 0.0123 }), "answered after 12 ms");
  assert.equal(shown({ name: "ping", control: "ping" }), "Hello");
  assert.equal(shown({ name: "ping", control: "ping", payload: "00ff" }), "00 ff");
  assert.equal(shown({ length: 0, payload: "" }), "(empty)");
  assert.equal(shown({ name: "binary", message: { hex: "00ff" } }), "00 ff");
});

test("rows are found by opcode, by who has sent them, and by what they say", () => {
  const row = rowOf(HELLO, 1);
  assert.ok(row);
  const found = (filter: object) => fits(row, { ...EVERYTHING, ...filter });
  assert.ok(found({}) && found({ kind: "text" }) && found({ from: "client" }));
  assert.ok(found({ text: "hELL" }) && found({ connection: 1 }));
  assert.ok(!found({ kind: "ping" }) && !found({ from: "server" }));
  assert.ok(!found({ text: "bye" }) && !found({ connection: 2 }));
});

test("a long payload is cut to what is kept, and says how much that is", () => {
  const bytes = 3 * MAX_KEPT_BYTES;
  const long = { ...HELLO, payload: "61".repeat(bytes), length: bytes };
  const cut = trimmed({ ...long, message: { text: "a".repeat(bytes) } });
  assert.ok(cut.event === "frame");
  assert.deepEqual([cut.payload.length, cut.kept], [2 * MAX_KEPT_BYTES, MAX_KEPT_BYTES]);
  assert.equal(cut.message?.text?.length, MAX_KEPT_BYTES);
  assert.equal(trimmed(HELLO), HELLO);
});

test("a line that is no event is none", () => {
  for (const line of ["", "{", "[]", '{"time":1}']) assert.equal(readEvent(line), undefined, line);
  assert.deepEqual(readEvent(JSON.stringify(HELLO)), HELLO);
  assert.equal(readEvent('{"event":"frame"}')?.event, "other");
});

test("lines are put together however they are cut, and one without end is left out", async () => {
  const text = "füür\n\nzwei\ndrei";
  const bytes = new TextEncoder().encode(text);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const lines: string[] = [];
    const { body } = answer(bytes.slice(0, cut), bytes.slice(cut));
    assert.equal(await eachLine(body as ReadableStream<Uint8Array>, (line) => lines.push(line)), 0);
    assert.deepEqual(lines, ["füür", "zwei", "drei"], `cut at ${cut}`);
  }
  const mebibyte = "x".repeat(1024 * 1024);
  const lines: string[] = [];
  const { body } = answer(...Array(9).fill(mebibyte), "\nnext\n");
  const tooLong = await eachLine(body as ReadableStream<Uint8Array>, (line) => lines.push(line));
  assert.deepEqual([tooLong, lines], [1, ["next"]]);
});

test("of a connection its frames, round trips, errors and its end are known", () => {
  const events: InspectEvent[] = [
    HELLO,
    { ...HELLO, from: "server", name: "pong", round_trip: 0.01 },
    { ...HELLO, from: "server", name: "pong", round_trip: 0.03 },
    { ...HELLO, error: { what: "reserved bit", code: 1002 } },
    { event: "gap", time: 2, from: "server", bytes: 7 },
  ];
  const summary = events.reduce(withEvent, unseen(1));
  assert.deepEqual(summary.frames, { client: 2, server: 2 });
  assert.deepEqual([summary.errors, summary.gaps, summary.closed], [1, 1, undefined]);
  assert.equal(formatTrips(summary), "2, 10.0 ms at least, 20.0 ms on average");
  assert.equal(formatTrips(unseen(1)), undefined);
});

test("a million frames are no more than the table keeps, and the others are counted", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const recorder = createRecorder();
  for (let frame = 0; frame < 1_000_000; frame += 1) recorder.add(HELLO);
  t.mock.timers.tick(100);
  const { rows, dropped, connections } = recorder.shown.value;
  assert.ok(rows.length >= MAX_ROWS && rows.length <= 1.1 * MAX_ROWS, String(rows.length));
  assert.equal(rows.length + dropped, 1_000_000);
  assert.equal(rows.at(-1)?.id, 1_000_000);
  assert.equal(connections[0]?.frames.client, 1_000_000);
  recorder.clear();
  assert.equal(recorder.shown.value.rows.length, 0);
});

test("large payloads count as well", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const recorder = createRecorder();
  const large = { ...HELLO, payload: "61".repeat(MAX_KEPT_BYTES), length: MAX_KEPT_BYTES };
  for (let frame = 0; frame < 5_000; frame += 1) recorder.add(large);
  t.mock.timers.tick(100);
  const { rows, dropped } = recorder.shown.value;
  assert.equal(rows.length + dropped, 5_000);
  assert.ok(rows.length * 2 * MAX_KEPT_BYTES <= 64 * 1024 * 1024, String(rows.length));
});

test("while it is paused the table stands still, and says how many wait", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const recorder = createRecorder();
  recorder.add(HELLO);
  recorder.pause();
  recorder.add(HELLO);
  recorder.add(HELLO);
  t.mock.timers.tick(100);
  assert.deepEqual([recorder.shown.value.rows.length, recorder.waiting.value], [1, 2]);
  recorder.resume();
  assert.deepEqual([recorder.shown.value.rows.length, recorder.waiting.value], [3, 0]);
});

test("a line is watched until its end, and another takes its place", async () => {
  const asked: (Blob | number)[] = [];
  const signals: AbortSignal[] = [];
  const never = new Promise<Response>(() => {});
  const desk = createInspector({
    lines: async () => ({ lines: [LINE], next: null }),
    frames: async (line, signal) => {
      asked.push(line);
      signals.push(signal);
      return line === 8 ? never : answer(`${JSON.stringify(HELLO)}\n`);
    },
    inspect: async () => {
      throw new Refused(400, "this is no capture");
    },
  });
  await desk.watch(LINE);
  assert.equal(desk.progress.value, "ended");
  desk.recorder.pause();
  assert.equal(desk.recorder.shown.value.rows.length, 1);
  void desk.watch({ ...LINE, line: 8 });
  assert.deepEqual([desk.progress.value, desk.recorder.paused.value], ["reading", false]);
  await desk.read(new File(["?"], "x.pcap"));
  assert.deepEqual([asked, signals[1]?.aborted], [[7, 8], true]);
  assert.deepEqual([desk.progress.value, desk.problem.value], ["failed", "this is no capture"]);
});
