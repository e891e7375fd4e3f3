// The rows of a line: what they say, and how many are kept.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  clear,
  closeRow,
  EMPTY,
  formatFlags,
  formatKind,
  formatMask,
  formatPayload,
  formatRow,
  lostRow,
  MAX_KEPT_BYTES,
  MAX_ROWS,
  messageRow,
  openRow,
  type Row,
} from "../src/frames.ts";

const NOON = new Date(2024, 0, 1, 12, 0, 0, 7);

function rowOf(row: Omit<Row, "id">): Row {
  return { ...row, id: 1 };
}

test("the newest rows are kept, and the others counted", () => {
  let transcript = EMPTY;
  for (let n = 0; n < MAX_ROWS + 3; n += 1) transcript = append(transcript, openRow(NOON));
  assert.equal(transcript.rows.length, MAX_ROWS);
  assert.equal(transcript.rows[0]?.id, 4);
  assert.equal(transcript.dropped, 3);
});

test("clearing forgets the rows and goes on counting", () => {
  const transcript = append(clear(append(EMPTY, openRow(NOON))), openRow(NOON));
  assert.deepEqual(
    transcript.rows.map((row) => row.id),
    [2],
  );
});

test("a length counts bytes and not characters", () => {
  assert.equal(messageRow("sent", "grüße ✓", false, NOON).length, 11);
});

test("of a large payload only the beginning is kept", () => {
  const row = messageRow("received", new Uint8Array(1 << 20), false, NOON);
  assert.equal(row.length, 1 << 20);
  assert.equal(row.kept.buffer.byteLength, MAX_KEPT_BYTES);
});

test("the client masks and the server does not", () => {
  assert.equal(formatMask(rowOf(messageRow("sent", "x", false, NOON))), "masked");
  assert.equal(formatMask(rowOf(messageRow("received", "x", false, NOON))), "unmasked");
});

test("with compression agreed RSV1 is in doubt, but never on a close frame", () => {
  assert.equal(formatFlags(rowOf(messageRow("sent", "x", false, NOON))), "FIN");
  assert.equal(formatFlags(rowOf(messageRow("sent", "x", true, NOON))), "FIN, RSV1 may be set");
  assert.equal(formatFlags(rowOf(closeRow("sent", 1000, "", NOON))), "FIN");
});

test("opcodes have a name and a number", () => {
  assert.equal(formatKind(rowOf(messageRow("sent", "x", false, NOON))), "text 0x1");
  assert.equal(formatKind(rowOf(messageRow("sent", new Uint8Array(1), false, NOON))), "binary 0x2");
  assert.equal(formatKind(rowOf(closeRow("sent", 1000, "", NOON))), "close 0x8");
  assert.equal(formatKind(rowOf(openRow(NOON))), "open");
});

test("a close frame holds its code and its reason", () => {
  const row = rowOf(closeRow("received", 1009, "too big", NOON));
  assert.equal(row.length, 9);
  assert.equal(formatPayload(row, "text"), "1009 message too big “too big”");
  assert.equal(formatPayload(row, "hex"), "03 f1 74 6f 6f 20 62 69 67");
});

test("a close frame without a code is empty", () => {
  const row = rowOf(closeRow("received", 1005, "", NOON));
  assert.equal(row.length, 0);
  assert.equal(formatPayload(row, "text"), "no code");
});

test("a lost line is no frame", () => {
  const row = rowOf(lostRow(1006, true, NOON));
  assert.equal(formatKind(row), "lost");
  assert.equal(formatPayload(row, "hex"), "1006 abnormal closure, no close frame");
});

test("a payload is cut to one line", () => {
  const row = rowOf(messageRow("sent", "one\ntwo three", false, NOON));
  assert.equal(formatPayload(row, "text"), "one two three");
  assert.equal(formatPayload(row, "text", 5), "one t…");
  assert.equal(formatPayload(row, "hex", 9), "6f 6e 65 …");
  assert.equal(formatPayload(rowOf(messageRow("sent", "", false, NOON)), "text"), "(empty)");
});

test("a row is copied as one line of text", () => {
  assert.equal(
    formatRow(rowOf(messageRow("sent", "hi", false, NOON)), "text"),
    "12:00:00.007  sent      text 0x1    2 bytes, FIN, masked  hi",
  );
});
