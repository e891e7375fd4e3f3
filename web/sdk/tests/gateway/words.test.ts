// Words and envelopes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, call, form } from "../../src/gateway/call.ts";
import { decodeAnswer, encodeCall } from "../../src/gateway/envelope.ts";
import { parseWord } from "../../src/gateway/word.ts";

test("every word is known", () => {
  const bound = { kind: "bound", credential: "1534692949977", keepAliveMs: 25_000 };
  assert.deepEqual(parseWord("RO#1534692949977#25000"), bound);
  assert.deepEqual(parseWord("RF#ServerError"), { kind: "not-bound", why: "ServerError" });
  assert.deepEqual(parseWord("HO#15"), { kind: "alive", credential: "15" });
  assert.deepEqual(parseWord("NF#a#b\nc"), { kind: "notify", text: "a#b\nc" });
  assert.deepEqual(parseWord("OS"), { kind: "come-back" });
  assert.deepEqual(parseWord("CR"), { kind: "come-back" });
  assert.deepEqual(parseWord("\n{}"), { kind: "envelope" });
});

test("what is of a later time is ignored", () => {
  for (const text of ["", "XYZ#1", "HO", "OS#1", "RO#1", "RO#1#x", "ro#1#2", "hello"]) {
    assert.equal(parseWord(text), undefined, text);
  }
});

test("a call is an object with lists of headers", () => {
  const asked = call("POST", "/register", {
    query: { q: "ü" },
    headers: { "X-Ca-Seq": "7" },
    body: form({ "a b": "c&d", e: "" }),
  });
  assert.deepEqual(JSON.parse(encodeCall(asked, "gw.example.com")), {
    method: "POST",
    host: "gw.example.com",
    path: "/register",
    querys: { q: "ü" },
    headers: { "x-ca-seq": ["7"] },
    isBase64: 0,
    body: "a+b=c%26d&e=",
  });
  const binary = call("POST", "/", { body: bytes(Uint8Array.of(0, 255)) });
  const { isBase64, body } = JSON.parse(encodeCall(binary, "h")) as Record<string, unknown>;
  assert.deepEqual([isBase64, body], [1, "AP8="]);
});

test("an answer may have texts or lists, and no body", () => {
  const text = '{"status":200,"header":{"X-Ca-Seq":["0"],"content-length":2},"body":"ok"}';
  const headers = { "x-ca-seq": "0", "content-length": "2" };
  assert.deepEqual(decodeAnswer(text), {
    seq: "0",
    response: { status: 200, headers, body: "ok" },
  });
  const failed = '{"status":404,"header":{"x-ca-seq":"1","x-ca-error-code":"I404NF"},"body":null}';
  assert.equal(decodeAnswer(failed)?.response.errorCode, "I404NF");
  for (const text of ["{}", "{", "[]", "null", '{"status":200,"header":{}}', '{"status":"x"}']) {
    assert.equal(decodeAnswer(text), undefined, text);
  }
});
