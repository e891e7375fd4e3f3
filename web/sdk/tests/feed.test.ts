// What waits for a loop.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFeed } from "../src/feed.ts";

const numbers = (max = 3, over = () => {}) =>
  createFeed<number | string>(max, (count) => `${count} dropped`, over);

test("a loop is given what comes, in order, and ends", async () => {
  const feed = numbers();
  const first = feed.next();
  for (const item of [1, 2, 3]) feed.push(item);
  feed.end();
  feed.push(4);
  const items = [(await first).value];
  for await (const item of feed) items.push(item);
  assert.deepEqual(items, [1, 2, 3]);
});

test("one that is too slow is told how many were dropped, in their place", async () => {
  const feed = numbers();
  for (const item of [1, 2, 3, 4, 5]) feed.push(item);
  feed.end();
  const items = [];
  for await (const item of feed) items.push(item);
  assert.deepEqual(items, ["2 dropped", 3, 4, 5]);
});

test("an error ends the loop that waits, and the one that comes later", async () => {
  const [early, late] = [numbers(), numbers()];
  const waits = early.next();
  early.end(new Error("over"));
  await assert.rejects(waits, /over/);
  late.push(1);
  late.end(new Error("over"));
  assert.deepEqual(await late.next(), { done: false, value: 1 });
  await assert.rejects(late.next(), /over/);
  assert.equal((await late.next()).done, true);
});

test("a loop that is left takes nothing more", async () => {
  let isOver = false;
  const feed = numbers(3, () => {
    isOver = true;
  });
  feed.push(1);
  for await (const item of feed) {
    assert.equal(item, 1);
    break;
  }
  assert.equal(isOver, true);
  assert.equal((await feed.next()).done, true);
});
