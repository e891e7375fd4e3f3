// What was seen of a channel, and what is missing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecovery } from "../src/recovery.ts";
import type { Publication, Subscribed } from "../src/wire.ts";

const at = (offset: number, epoch = "e") => ({ epoch, offset });
const publication = (offset: number): Publication => ({ channel: "c", offset, data: offset });
const subscribed = (offset: number, more: Partial<Subscribed> = {}): Subscribed => ({
  position: at(offset),
  publications: [],
  ...more,
});

test("each publication once, in order, and a hole is noticed", () => {
  const recovery = createRecovery();
  assert.deepEqual(recovery.subscribed(subscribed(3)), { publications: [] });
  const verdicts = [3, 4, 4, 6, 5, 6].map((offset) => recovery.take(offset));
  assert.deepEqual(verdicts, ["seen", "next", "seen", "hole", "next", "next"]);
  assert.deepEqual(recovery.position(), at(6));
});

test("what was missed is given once, without what was seen already", () => {
  const recovery = createRecovery();
  recovery.subscribed(subscribed(3));
  recovery.take(4);
  const publications = [4, 5, 6].map(publication);
  const caught = recovery.subscribed(subscribed(6, { recovered: true, publications }));
  assert.deepEqual(caught, { publications: publications.slice(1), recovered: true });
  assert.equal(recovery.take(6), "seen");
  assert.equal(recovery.take(7), "next");
});

test("what cannot be recovered is a gap, with its reason", () => {
  const recovery = createRecovery();
  recovery.subscribed(subscribed(3));
  const answer = subscribed(99, { recovered: false, reason: "expired", oldest: 90 });
  const gap = { position: at(99), since: at(3), reason: "expired", oldest: 90 };
  assert.deepEqual(recovery.subscribed(answer), { publications: [], recovered: false, gap });
  assert.equal(recovery.take(100), "next");
});

test("another epoch is a gap, whatever the server says of it", () => {
  const recovery = createRecovery();
  recovery.subscribed(subscribed(3));
  const { gap } = recovery.subscribed({
    ...subscribed(3, { recovered: true }),
    position: at(3, "f"),
  });
  assert.deepEqual(gap, { position: at(3, "f"), since: at(3), reason: "epoch" });
});

test("it goes on behind a gap that the server tells", () => {
  const recovery = createRecovery();
  recovery.subscribed(subscribed(3));
  assert.deepEqual(recovery.gap(at(9), "lost"), { position: at(9), since: at(3), reason: "lost" });
  assert.deepEqual(
    [9, 10].map((offset) => recovery.take(offset)),
    ["seen", "next"],
  );
});

test("a pattern has no position: whoever comes back to it may have missed something", () => {
  const recovery = createRecovery();
  const answer = { publications: [] };
  assert.deepEqual(recovery.subscribed(answer), { publications: [] });
  assert.deepEqual(
    [7, 3].map((offset) => recovery.take(offset)),
    ["next", "next"],
  );
  const caught = { publications: [], recovered: false, gap: { reason: "pattern" } };
  assert.deepEqual(recovery.subscribed(answer), caught);
});

test("what was forgotten begins anew", () => {
  const recovery = createRecovery();
  recovery.subscribed(subscribed(3));
  recovery.forget();
  assert.equal(recovery.position(), undefined);
  assert.deepEqual(recovery.subscribed(subscribed(50)), { publications: [] });
});
