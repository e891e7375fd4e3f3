// A line over a socket made by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLine, type Line, type Payload } from "../src/line.ts";

interface Scripted {
  line: Line;
  heard: Payload[];
  sent: unknown[];
  opened(extensions?: string): void;
  says(data: unknown): void;
  closes(code: number, reason?: string): void;
}

function scripted(): Scripted {
  const heard: Payload[] = [];
  const sent: unknown[] = [];
  const socket = {
    binaryType: "blob",
    bufferedAmount: 0,
    extensions: "",
    protocol: "",
    onopen: (): void => {},
    onmessage: (_event: { data: unknown }): void => {},
    onclose: (_event: { code: number; reason: string }): void => {},
    send: (data: unknown) => sent.push(data),
    close: (code: number) => sent.push(code),
  };
  const line = createLine(
    "ws://test/echo",
    { message: (payload) => heard.push(payload) },
    () => socket as unknown as WebSocket,
  );
  return {
    line,
    heard,
    sent,
    opened(extensions = "") {
      socket.extensions = extensions;
      socket.onopen();
    },
    says: (data) => socket.onmessage({ data }),
    closes: (code, reason = "") => socket.onclose({ code, reason }),
  };
}

/** The rows as direction and kind; pausing brings the journal up to date. */
function rowsOf(line: Line): string[] {
  line.journal.pause();
  return line.journal.shown.value.rows.map((row) => `${row.direction} ${row.kind}`);
}

test("a line goes up, talks, and comes down", () => {
  const { line, heard, sent, opened, says, closes } = scripted();
  line.connect();
  assert.equal(line.state.value.kind, "connecting");
  opened("permessage-deflate");
  assert.equal(line.agreed.value?.extensions, "permessage-deflate");
  assert.equal(line.send("hi"), true);
  says("hi");
  says(Uint8Array.of(1, 2).buffer);
  line.disconnect();
  assert.equal(line.state.value.kind, "closing");
  closes(1000);
  assert.deepEqual(line.state.value, { kind: "closed", code: 1000, reason: "", wasOpen: true });
  assert.deepEqual(sent, ["hi", 1000]);
  assert.deepEqual(heard, ["hi", Uint8Array.of(1, 2)]);
  assert.deepEqual(rowsOf(line), [
    "none open",
    "sent text",
    "received text",
    "received binary",
    "sent close",
    "received close",
  ]);
});

test("nothing is sent before the line is open, nor after", () => {
  const { line, sent, opened, closes } = scripted();
  assert.equal(line.send("early"), false);
  line.connect();
  assert.equal(line.send("early"), false);
  opened();
  closes(1001);
  assert.equal(line.send("late"), false);
  assert.deepEqual(sent, []);
});

test("a line that is lost shows no close frame, and can be opened again", () => {
  const { line, opened, closes } = scripted();
  line.connect();
  opened();
  closes(1006);
  assert.deepEqual(rowsOf(line), ["none open", "none lost"]);
  line.connect();
  assert.equal(line.state.value.kind, "connecting");
});

test("a handshake that fails is told apart from a line that is lost", () => {
  const { line, opened, closes } = scripted();
  line.connect();
  opened();
  closes(1000);
  line.connect();
  closes(1006);
  assert.deepEqual(line.state.value, { kind: "closed", code: 1006, reason: "", wasOpen: false });
});

test("an address that the browser refuses closes the line at once", () => {
  const line = createLine("ws://test", { message: () => {} }, () => {
    throw new SyntaxError("refused");
  });
  line.connect();
  assert.equal(line.state.value.kind, "closed");
});

test("a paused journal stands still, and catches up", () => {
  const { line, opened, says } = scripted();
  line.connect();
  opened();
  line.journal.pause();
  const before = line.journal.shown.value;
  says("a");
  says("b");
  assert.equal(line.journal.shown.value, before);
  line.journal.resume();
  assert.equal(line.journal.shown.value.rows.length, 3);
});
