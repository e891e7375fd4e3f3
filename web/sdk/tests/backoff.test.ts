// Waits before coming back, by the same figures as the client in Rust.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createBackoff } from "../src/backoff.ts";

const DEFAULTS = { baseMs: 500, maxMs: 30_000, stableAfterMs: 10_000 };

function waits(backoff: ReturnType<typeof createBackoff>, count: number, random: number) {
  return Array.from({ length: count }, () => backoff.next(random));
}

test("the longest wait doubles up to the bound", () => {
  const halves = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000];
  assert.deepEqual(waits(createBackoff(DEFAULTS), 9, 0.5), halves);
  const backoff = createBackoff(DEFAULTS);
  waits(backoff, 2_000, 0);
  assert.equal(backoff.next(0.5), 15_000);
});

test("a wait is any part of its longest", () => {
  assert.equal(createBackoff(DEFAULTS).next(0), 0);
  assert.ok(createBackoff(DEFAULTS).next(0.999) > 499);
});

test("only a stable line starts anew", () => {
  const backoff = createBackoff(DEFAULTS);
  assert.deepEqual(waits(backoff, 2, 0.5), [250, 500]);
  backoff.wasOpen(9_999);
  assert.equal(backoff.next(0.5), 1_000);
  backoff.wasOpen(10_000);
  assert.equal(backoff.next(0.5), 250);
});
