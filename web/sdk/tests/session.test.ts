// What is said again after a loss, and what is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSession, type Kind, type Session } from "../src/session.ts";
import type { Connected, Heard } from "../src/wire.ts";

const LIMITS = { callWithinMs: 1_000, maxCalls: 4, maxCharacters: 1_000 };

const connected = (more: Partial<Connected> = {}): Connected => ({
  client: "c",
  session: { id: "s", secret: "x", keep: 120 },
  recovered: false,
  seen: 0,
  ping: 25,
  ...more,
});

const answer = (id: number, result: unknown = {}): Heard => ({ kind: "answer", id, result });

/** Asks, and takes note of what comes of it. */
function asks(session: Session) {
  const outcomes: Record<string, unknown> = {};
  return {
    outcomes,
    ask(method: string, kind: Kind = "session", now = 0) {
      session.ask(kind, method, {}, now, (outcome) => {
        outcomes[method] = "error" in outcome ? outcome.error.code : outcome.result;
      });
    },
  };
}

/** The methods that are sent now. */
function sent(session: Session, now = 0): string[] {
  return session.takeOutgoing(now).map((text) => JSON.parse(text).method);
}

function idOf(session: Session, method: string): number {
  const texts = session.takeOutgoing(0).map((text) => JSON.parse(text));
  return texts.find((said) => said.method === method).id;
}

test("nothing is sent before connect is answered", () => {
  const session = createSession(LIMITS);
  const { ask } = asks(session);
  ask("a");
  assert.deepEqual(sent(session), []);
  session.connect({});
  assert.deepEqual(sent(session), []);
  session.connected(connected());
  assert.deepEqual(sent(session), ["a"]);
  assert.deepEqual(sent(session), []);
});

test("a session that goes on is sent what was not taken, and nothing else", () => {
  const session = createSession(LIMITS);
  const { ask, outcomes } = asks(session);
  session.connected(connected());
  for (const method of ["a", "b", "c"]) ask(method);
  const [a, b] = session.takeOutgoing(0).map((text) => JSON.parse(text).id);
  session.heard(answer(a, "A"), 10, 0);
  session.lost();
  ask("d");
  assert.deepEqual(JSON.parse(session.connect({ name: "n" })).params, {
    name: "n",
    session: { id: "s", secret: "x", seen: 1 },
  });
  session.connected(connected({ recovered: true, seen: 2 }));
  assert.deepEqual(sent(session), ["c", "d"]);
  session.heard(answer(b, "B"), 10, 0);
  assert.deepEqual(outcomes, { a: "A", b: "B" });
});

test("what was sent again is numbered behind what was taken", () => {
  const session = createSession(LIMITS);
  const { ask } = asks(session);
  session.connected(connected());
  for (const method of ["a", "b"]) ask(method);
  sent(session);
  session.lost();
  session.connected(connected({ recovered: true, seen: 1 }));
  assert.deepEqual(sent(session), ["b"]);
  session.lost();
  session.connected(connected({ recovered: true, seen: 1 }));
  assert.deepEqual(sent(session), ["b"]);
  session.lost();
  session.connected(connected({ recovered: true, seen: 2 }));
  assert.deepEqual(sent(session), []);
});

test("in a new session all that has no answer is sent again, in its order", () => {
  const session = createSession(LIMITS);
  const { ask } = asks(session);
  session.connected(connected());
  for (const method of ["a", "b"]) ask(method);
  const [a] = session.takeOutgoing(0).map((text) => JSON.parse(text).id);
  session.heard(answer(a), 10, 0);
  session.lost();
  ask("later");
  session.connected(connected());
  assert.deepEqual(sent(session), ["b", "later"]);
});

test("what is done once is sent again where it was not taken, and never in another session", () => {
  const session = createSession(LIMITS);
  const { ask, outcomes } = asks(session);
  session.connected(connected());
  for (const method of ["a", "b"]) ask(method, "once");
  sent(session);
  session.lost();
  session.connected(connected({ recovered: true, seen: 1 }));
  assert.deepEqual(sent(session), ["b"]);
  session.lost();
  ask("later", "once");
  session.connected(connected());
  assert.deepEqual(outcomes, { a: "lost", b: "lost" });
  assert.deepEqual(sent(session), ["later"]);
});

test("what means a line is forgotten with it", () => {
  const session = createSession(LIMITS);
  const { ask, outcomes } = asks(session);
  session.connected(connected());
  ask("subscribe", "line");
  const id = idOf(session, "subscribe");
  session.lost();
  assert.deepEqual(outcomes, {});
  session.connected(connected({ recovered: true, seen: 1 }));
  assert.deepEqual(sent(session), []);
  // Its answer comes all the same, and counts.
  session.heard(answer(id), 10, 0);
  assert.equal(JSON.parse(session.connect({})).params.session.seen, 1);
});

test("answers, errors and messages to the client count; what else comes does not", () => {
  const session = createSession(LIMITS);
  const first = JSON.parse(session.connect({})).id;
  assert.equal(session.isOfConnect(answer(first)), true);
  assert.equal(session.isOfConnect(answer(first + 1)), false);
  session.connected(connected());
  const heard: Heard[] = [
    answer(77),
    { kind: "error", id: null, code: -32700, message: "" },
    { kind: "publication", publication: { channel: "c", offset: 1, data: 1 } },
    { kind: "join", channel: "c", member: { client: "c" } },
    { kind: "message", id: 3, data: "to this client" },
    { kind: "message", id: 4, data: "to a device", device: "d" },
  ];
  for (const message of heard) session.heard(message, 10, 0);
  assert.equal(JSON.parse(session.connect({})).params.session.seen, 3);
});

test("it says what has come: after a second, after many, after much", () => {
  const session = createSession(LIMITS);
  session.connected(connected());
  const acks = (now: number) => session.takeOutgoing(now).map((text) => JSON.parse(text));
  session.heard(answer(1), 10, 5_000);
  assert.deepEqual(acks(5_999), []);
  assert.equal(session.deadline(), 6_000);
  assert.deepEqual(acks(6_000), [{ jsonrpc: "2.0", method: "ack", params: { seen: 1 } }]);
  assert.equal(session.deadline(), Number.POSITIVE_INFINITY);
  for (let id = 2; id <= 33; id += 1) session.heard(answer(id), 10, 7_000);
  assert.deepEqual(acks(7_000)[0].params, { seen: 33 });
  session.heard(answer(34), 65_536, 8_000);
  assert.deepEqual(acks(8_000)[0].params, { seen: 34 });
});

test("a new session counts anew", () => {
  const session = createSession(LIMITS);
  session.connected(connected());
  session.heard(answer(1), 10, 0);
  session.lost();
  session.connected(connected({ session: { id: "t", secret: "y", keep: 120 } }));
  const { session: named } = JSON.parse(session.connect({})).params;
  assert.deepEqual(named, { id: "t", secret: "y", seen: 0 });
});

test("a call that waits too long is given up, sent or not", () => {
  const session = createSession(LIMITS);
  const { ask, outcomes } = asks(session);
  ask("a", "session", 0);
  ask("b", "session", 500);
  assert.equal(session.deadline(), 1_000);
  assert.equal(session.handleTimeout(1_000), false);
  assert.deepEqual(outcomes, { a: "timed-out" });
  session.connected(connected());
  assert.deepEqual(sent(session), ["b"]);
  ask("subscribe", "line", 600);
  assert.equal(session.handleTimeout(1_600), true);
});

test("more calls, or larger ones, than may wait are refused", () => {
  const session = createSession(LIMITS);
  const { ask, outcomes } = asks(session);
  for (const method of ["a", "b", "c", "d", "e"]) ask(method);
  assert.deepEqual(outcomes, { e: "busy" });
  ask("subscribe", "line");
  assert.deepEqual(outcomes, { e: "busy" });
  const small = createSession({ ...LIMITS, maxCharacters: 10 });
  const one = asks(small);
  one.ask("a");
  assert.deepEqual(one.outcomes, { a: "busy" });
});

test("the largest of what was not taken is not sent into the same end again", () => {
  const session = createSession(LIMITS);
  const { ask, outcomes } = asks(session);
  session.connected(connected());
  for (const method of ["a", "huge", "b"]) ask(method);
  sent(session);
  session.lost(1009);
  session.connected(connected({ recovered: true, seen: 1 }));
  assert.deepEqual(outcomes, { huge: "too-large" });
  assert.deepEqual(sent(session), ["b"]);
});

test("at its end every call that waits is told", () => {
  const session = createSession(LIMITS);
  const { ask, outcomes } = asks(session);
  session.connected(connected());
  ask("a");
  sent(session);
  ask("b");
  session.end();
  assert.deepEqual(outcomes, { a: "closed", b: "closed" });
});
