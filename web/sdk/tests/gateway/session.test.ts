// A session on a line and a clock that are moved by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { call, type Response } from "../../src/gateway/call.ts";
import { type CallProblem, createSession, type Kind } from "../../src/gateway/session.ts";

function desk() {
  let now = 0;
  const session = createSession({
    deviceId: "ab12@1",
    host: "gw.example.com",
    callWithinMs: 10_000,
    bindWithinMs: 10_000,
    maxCalls: 64,
  });
  const answers: (number | CallProblem)[] = [];
  const settle = (answer: Response | CallProblem) =>
    answers.push(typeof answer === "string" ? answer : answer.status);
  return {
    session,
    answers,
    hears: (text: string) => session.received(text, now),
    calls: (kind: Kind, path: string) => session.call(kind, call("POST", path), now, settle),
    answer: (seq: string, status: number) =>
      session.received(`{"status":${status},"header":{"x-ca-seq":"${seq}"},"body":""}`, now),
    passes(seconds: number) {
      now += seconds * 1_000;
      session.handleTimeout(now);
    },
    /** Words as they are, calls as `path seq`. */
    says: () =>
      session
        .takeOutgoing()
        .map((item) =>
          item.kind === "word" ? item.text : `${item.call.path} ${item.call.headers["x-ca-seq"]}`,
        ),
    heard: () => session.takeHeard().map((heard) => heard.kind),
    open: () => session.opened(now),
  };
}

function bound() {
  const at = desk();
  at.open();
  at.hears("RO#77#25000");
  assert.deepEqual(at.says(), ["RG#ab12@1"]);
  assert.deepEqual(at.heard(), ["bound"]);
  return at;
}

function registered() {
  const at = bound();
  at.calls("REGISTER", "/register");
  assert.deepEqual(at.says(), ["/register 0"]);
  at.answer("0", 200);
  assert.deepEqual(at.heard(), ["registered"]);
  return at;
}

test("calls wait until the device is bound", () => {
  const at = desk();
  at.calls("COMMON", "/early");
  at.open();
  assert.deepEqual(at.says(), ["RG#ab12@1"]);
  at.hears("RO#77#25000");
  assert.deepEqual(at.says(), ["/early 0"]);
  at.answer("0", 404);
  assert.deepEqual(at.answers, [404]);
});

test("answers find their calls in any order", () => {
  const at = bound();
  at.calls("COMMON", "/a");
  at.calls("COMMON", "/b");
  assert.deepEqual(at.says(), ["/a 0", "/b 1"]);
  for (const [seq, status] of [
    ["1", 201],
    ["99", 500],
    ["0", 200],
  ] as const)
    at.answer(seq, status);
  assert.deepEqual(at.answers, [201, 200]);
});

test("it beats as often as it is told, and gives up what is silent", () => {
  const at = bound();
  for (let beat = 0; beat < 3; beat += 1) {
    at.passes(25);
    assert.deepEqual(at.says(), ["H1"]);
  }
  at.hears("HO#77");
  at.passes(25);
  assert.equal(at.session.takeRestart(), false);
  for (let beat = 0; beat < 3; beat += 1) at.passes(25);
  assert.equal(at.session.takeRestart(), true);
});

test("a registration is repeated on a new line, and when a beat has another credential", () => {
  const at = registered();
  at.session.lost();
  at.open();
  at.hears("RO#78#25000");
  assert.deepEqual(at.says(), ["RG#ab12@1", "/register 1"]);
  at.answer("1", 200);
  at.hears("HO#78");
  assert.deepEqual(at.says(), []);
  at.hears("HO#other");
  at.hears("HO#other");
  assert.deepEqual(at.says(), ["/register 2"]);
});

test("a registration that failed is repeated with a beat, and one that was refused is not", () => {
  const at = bound();
  at.calls("REGISTER", "/register");
  at.says();
  at.answer("0", 503);
  at.passes(25);
  assert.deepEqual(at.says(), ["H1", "/register 1"]);
  at.answer("1", 403);
  assert.deepEqual(at.heard(), ["register-failed", "register-failed"]);
  at.passes(25);
  assert.deepEqual(at.says(), ["H1"]);
});

test("a registration that waits for a line is sent once", () => {
  const at = desk();
  at.calls("REGISTER", "/register");
  // An attempt that failed, and one that came to a line.
  at.session.lost();
  at.open();
  at.hears("RO#77#25000");
  assert.deepEqual(at.says(), ["RG#ab12@1", "/register 0"]);
});

test("the latest registration counts", () => {
  const at = bound();
  at.calls("REGISTER", "/stale");
  at.calls("REGISTER", "/fresh");
  assert.deepEqual(at.says(), ["/stale 0", "/fresh 1"]);
  at.answer("0", 403);
  assert.deepEqual(at.heard(), []);
  at.answer("1", 200);
  assert.deepEqual(at.heard(), ["registered"]);
  assert.deepEqual(at.answers, [403, 200]);
});

test("a line that is given up has no deadline, and is given up once", () => {
  for (const text of ["", "CR", "RF#ServerError"]) {
    const at = desk();
    at.open();
    at.hears(text);
    at.passes(10);
    assert.equal(at.session.takeRestart(), true, text);
    assert.equal(at.session.deadline(), undefined, text);
    at.hears(text);
    at.passes(10);
    assert.equal(at.session.takeRestart(), false, text);
  }
});

test("who unregistered stays so", () => {
  const at = registered();
  at.calls("UNREGISTER", "/unregister");
  at.answer("1", 200);
  at.session.lost();
  at.open();
  at.hears("RO#78#25000");
  assert.deepEqual(at.says(), ["RG#ab12@1"]);
});

test("OS and CR are obeyed once answers had a second", () => {
  for (const word of ["OS", "CR"]) {
    const at = bound();
    at.calls("COMMON", "/a");
    at.says();
    at.hears(word);
    at.calls("COMMON", "/later");
    assert.deepEqual(at.says(), []);
    at.answer("0", 200);
    assert.deepEqual(at.answers, [200]);
    at.passes(1);
    assert.equal(at.session.takeRestart(), true);
    at.session.lost();
    at.open();
    at.hears("RO#78#25000");
    assert.deepEqual(at.says(), ["RG#ab12@1", "/later 1"]);
  }
});

test("a message is acknowledged when its owner says so", () => {
  const at = bound();
  at.hears("NF#a#b");
  assert.deepEqual(at.says(), []);
  at.session.acknowledge();
  assert.deepEqual(at.says(), ["NO"]);
  at.session.lost();
  at.session.acknowledge();
  assert.deepEqual(at.says(), []);
});

test("a call ends when its line is lost, in ten seconds, or with the client", () => {
  const at = bound();
  at.calls("COMMON", "/a");
  at.session.lost();
  at.calls("COMMON", "/b");
  assert.equal(at.session.deadline(), 10_000);
  at.passes(10);
  at.calls("COMMON", "/c");
  at.session.end();
  assert.deepEqual(at.answers, ["lost", "timed-out", "ended"]);
  assert.equal(at.session.deadline(), undefined);
});

test("a gateway that does not bind is left, and more calls than may wait are refused", () => {
  const at = desk();
  at.open();
  at.passes(10);
  assert.equal(at.session.takeRestart(), true);
  at.open();
  at.hears("RF#ServerError");
  assert.deepEqual(at.heard(), ["not-bound"]);
  assert.equal(at.session.takeRestart(), true);
  for (let count = 0; count <= 64; count += 1) at.calls("COMMON", "/a");
  assert.deepEqual(at.answers, ["busy"]);
});
