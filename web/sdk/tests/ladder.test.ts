// Which carrier is tried when.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLadder } from "../src/ladder.ts";

const ALL = ["websocket", "stream", "events", "poll"] as const;

test("best first, until one has worked", () => {
  const ladder = createLadder(ALL, [1]);
  assert.deepEqual(ladder.round(), ALL);
  ladder.lost();
  assert.deepEqual(ladder.round(), ALL);
});

test("what has worked is tried alone, once, and then first", () => {
  const ladder = createLadder(ALL, [1]);
  ladder.won("events");
  assert.deepEqual(ladder.round(), ["events"]);
  ladder.lost();
  assert.deepEqual(ladder.round(), ["events", "websocket", "stream", "poll"]);
  ladder.won("poll");
  assert.deepEqual(ladder.round(), ["poll"]);
});

test("from below, WebSocket is tried again, less and less often", () => {
  const ladder = createLadder(ALL, [30, 120, 600]);
  ladder.won("poll");
  const waits = [1, 2, 3, 4].map(() => ladder.climbIn());
  assert.deepEqual(waits, [30, 120, 600, 600]);
  ladder.won("websocket");
  assert.equal(ladder.climbIn(), undefined);
  ladder.won("stream");
  assert.equal(ladder.climbIn(), 30);
});

test("where there is no WebSocket there is nothing to climb to", () => {
  const ladder = createLadder(["stream", "poll"], [30]);
  ladder.won("poll");
  assert.equal(ladder.climbIn(), undefined);
});
