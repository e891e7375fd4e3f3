// What is published, and what is said of what went wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TielineError } from "../../sdk/src/index.ts";
import { adviceOn } from "../src/channels/advice.ts";
import { readData, showData } from "../src/channels/data.ts";

test("objects, lists and quoted text are JSON, everything else is said as it stands", () => {
  assert.deepEqual(readData('{"a": [1]}'), { data: { a: [1] }, isJson: true });
  assert.deepEqual(readData(" [1, 2]"), { data: [1, 2], isJson: true });
  assert.deepEqual(readData('"quoted"'), { data: "quoted", isJson: true });
  for (const text of ["hello", "42", "true", "{not json", " a "]) {
    assert.deepEqual(readData(text), { data: text, isJson: false });
  }
});

test("text is shown as it is, and the rest as JSON", () => {
  assert.deepEqual(showData("{}"), { text: "{}", isJson: false });
  assert.deepEqual(showData({ a: null }), { text: '{"a":null}', isJson: true });
  assert.deepEqual(showData(null), { text: "null", isJson: true });
});

test("what is not allowed says what would be", () => {
  const wish = { deed: "publish", channel: "chat:lobby", hasToken: false } as const;
  const next = (code: number, more = {}) =>
    adviceOn(new TielineError(code, "no"), { ...wish, ...more }).next;
  assert.match(next(4004), /publish:chat:lobby/);
  assert.match(next(4005), /\[namespace\.chat\]/);
  assert.match(next(4005, { channel: "lobby" }), /\[namespace\.""\]/);
  assert.match(next(4003), /token|Give one/);
  assert.match(adviceOn(new TielineError(4401), { ...wish, hasToken: true }).what, /not good/);
  assert.match(adviceOn(new TielineError(4009, "nobody tells"), wish).what, /nobody tells.*4009/);
});
