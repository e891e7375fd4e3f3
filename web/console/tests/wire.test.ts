// What the demos say, and what they refuse to hear.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatCounterAction,
  formatRoomMessage,
  parseChatLine,
  parseCounterNews,
} from "../src/wire.ts";

const NOBODY: ReadonlySet<string> = new Set();

test("the counter's news are read, with or without members nobody knows", () => {
  assert.deepEqual(parseCounterNews('{"type":"state","value":-3}'), { type: "state", value: -3 });
  assert.deepEqual(parseCounterNews('{"type":"users","count":2}'), { type: "users", count: 2 });
  assert.deepEqual(parseCounterNews('{"type":"state","value":0,"cmdStr":"","now":""}'), {
    type: "state",
    value: 0,
  });
});

test("anything else is not the counter's", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "5",
    "{",
    '{"type":"state"}',
    '{"type":"state","value":"1"}',
    '{"type":"users","value":1}',
    '{"type":"other","value":1}',
  ]) {
    assert.equal(parseCounterNews(text), undefined, text);
  }
});

test("actions and messages have their exact shape", () => {
  assert.equal(formatCounterAction("plus"), '{"action":"plus"}');
  assert.equal(formatRoomMessage("a1", 'say "hi"'), '{"uid":"a1","message":"say \\"hi\\""}');
});

test("the three kinds of chat lines are told apart", () => {
  assert.deepEqual(parseChatLine("Welcome, 10.0.0.1 !", NOBODY), {
    kind: "joined",
    name: "10.0.0.1",
  });
  assert.deepEqual(parseChatLine("10.0.0.1 Logout", NOBODY), { kind: "left", name: "10.0.0.1" });
  assert.deepEqual(parseChatLine("10.0.0.1:a: b", NOBODY), {
    kind: "said",
    name: "10.0.0.1",
    text: "a: b",
  });
});

test("a name with colons is cut where a known name ends", () => {
  const names = new Set(["::", "::1"]);
  assert.deepEqual(parseChatLine("::1:hello", names), { kind: "said", name: "::1", text: "hello" });
  assert.deepEqual(parseChatLine("::1 Logout", names), { kind: "left", name: "::1" });
});

test("a line that could be cut in two ways stays whole", () => {
  assert.deepEqual(parseChatLine("::1:hello", NOBODY), { kind: "unknown" });
  assert.deepEqual(parseChatLine("hello", NOBODY), { kind: "unknown" });
});

test("nobody logs another out by saying so", () => {
  assert.deepEqual(parseChatLine("10.0.0.1:10.0.0.2 Logout", NOBODY), {
    kind: "said",
    name: "10.0.0.1",
    text: "10.0.0.2 Logout",
  });
});
