// When a line is asked whether it is there, and when it is dead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeartbeat } from "../src/heartbeat.ts";

test("after a silence it is asked, and dead without an answer", () => {
  const heartbeat = createHeartbeat(100, 10, 0);
  assert.equal(heartbeat.deadline(), 100);
  assert.equal(heartbeat.turn(99), undefined);
  assert.equal(heartbeat.turn(100), "ask");
  assert.equal(heartbeat.deadline(), 110);
  assert.equal(heartbeat.turn(109), undefined);
  assert.equal(heartbeat.turn(110), "dead");
});

test("whatever comes counts", () => {
  const heartbeat = createHeartbeat(100, 10, 0);
  heartbeat.heard(50);
  assert.equal(heartbeat.turn(149), undefined);
  assert.equal(heartbeat.turn(150), "ask");
  heartbeat.heard(155);
  assert.equal(heartbeat.turn(160), undefined);
  assert.equal(heartbeat.deadline(), 255);
});

test("a probe does not wait for the silence, nor give more time than there was", () => {
  const heartbeat = createHeartbeat(100, 10, 0);
  heartbeat.probe(20, 2);
  assert.equal(heartbeat.turn(22), "dead");
  const asked = createHeartbeat(100, 10, 0);
  asked.turn(100);
  asked.probe(105, 20);
  assert.equal(asked.deadline(), 110);
});

test("what was said is expected to be met with something", () => {
  const heartbeat = createHeartbeat(100, 10, 0);
  heartbeat.said(5);
  heartbeat.said(8);
  assert.equal(heartbeat.turn(15), "ask");
  heartbeat.said(16);
  assert.equal(heartbeat.turn(25), "dead");
  const answered = createHeartbeat(100, 10, 0);
  answered.said(5);
  answered.heard(9);
  assert.equal(answered.deadline(), 109);
});
