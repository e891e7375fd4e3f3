// A channel that is wanted, over lines that come and go; the server is the test.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TielineError } from "../src/errors.ts";
import { createSubscription, type Told } from "../src/subscription.ts";
import type { Notification } from "../src/wire.ts";

interface Asked {
  readonly method: string;
  readonly params: object;
  answer(result: object): void;
  refuse(code: number): void;
}

const position = (offset: number, epoch = "e") => ({ epoch, offset });
const publication = (offset: number): Notification => ({
  kind: "publication",
  publication: { channel: "c:a", offset, data: offset },
});

function start() {
  const asked: Asked[] = [];
  const told: Told[] = [];
  const subscription = createSubscription("c:a", {
    ask(method, params, settle) {
      const answer = (result: object) => settle({ result });
      const refuse = (code: number) => settle({ error: new TielineError(code, "no") });
      asked.push({ method, params, answer, refuse });
    },
    tell: (it) => told.push(it),
  });
  const next = (): Asked => {
    const one = asked.shift();
    assert.ok(one, "nothing is asked");
    return one;
  };
  const offsets = () =>
    told.flatMap((it) => (it.kind === "publication" ? [it.publication.offset] : []));
  const gaps = () => told.flatMap((it) => (it.kind === "gap" ? [it.gap.reason] : []));
  return { subscription, asked, told, next, offsets, gaps };
}

test("it asks when there is a line, and is done when it is answered", async () => {
  const { subscription, asked, next, offsets } = start();
  const done = subscription.want();
  assert.equal(asked.length, 0);
  subscription.lineUp();
  const one = next();
  assert.deepEqual([one.method, one.params], ["subscribe", { channel: "c:a" }]);
  one.answer({ position: position(3), publications: [] });
  await done;
  subscription.heard(publication(4));
  assert.deepEqual(offsets(), [4]);
});

test("on the next line it names its position, and is given what was missed", async () => {
  const { subscription, told, next, offsets } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({ position: position(3), publications: [] });
  subscription.lineDown();
  subscription.heard(publication(4));
  subscription.lineUp();
  const one = next();
  assert.deepEqual(one.params, { channel: "c:a", position: position(3) });
  const missed = [{ offset: 4, data: 1 }];
  one.answer({ position: position(4), recovered: true, publications: missed });
  subscription.heard(publication(5));
  assert.deepEqual(offsets(), [4, 5]);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ["subscribed", "subscribed", "publication", "publication"],
  );
});

test("what an earlier line answers is nobody's news", async () => {
  const { subscription, told, next } = start();
  void subscription.want();
  subscription.lineUp();
  const early = next();
  subscription.lineDown();
  subscription.lineUp();
  early.answer({ position: position(3), publications: [] });
  assert.deepEqual(told, []);
  assert.equal(subscription.position(), undefined);
  next().answer({ position: position(9), publications: [] });
  assert.deepEqual(subscription.position(), position(9));
});

test("a hole is mended: it is left, and asked for again from where it was", async () => {
  const { subscription, next, offsets, gaps } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({ position: position(3), publications: [] });
  subscription.heard(publication(5));
  const left = next();
  assert.equal(left.method, "unsubscribe");
  left.answer({});
  subscription.heard(publication(6));
  const one = next();
  assert.deepEqual(one.params, { channel: "c:a", position: position(3) });
  const publications = [4, 5, 6].map((offset) => ({ offset, data: offset }));
  one.answer({ position: position(6), recovered: true, publications });
  assert.deepEqual([offsets(), gaps()], [[4, 5, 6], []]);
});

test("a gap is told: on the way, and on coming back", async () => {
  const { subscription, next, gaps } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({ position: position(3), publications: [] });
  subscription.heard({ kind: "gap", channel: "c:a", position: position(7), reason: "lost" });
  subscription.lineDown();
  subscription.lineUp();
  const one = next();
  assert.deepEqual(one.params, { channel: "c:a", position: position(7) });
  const answer = { position: position(1, "f"), recovered: false, reason: "epoch", oldest: 1 };
  one.answer({ ...answer, publications: [] });
  assert.deepEqual(gaps(), ["lost", "epoch"]);
});

test("a line that was too slow is told so, and goes on behind the gap", () => {
  const { subscription, told, asked, next, offsets } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({ position: position(3), publications: [] });
  subscription.heard({ kind: "gap", channel: "c:a", position: position(7), reason: "slow" });
  subscription.heard(publication(8));
  assert.deepEqual(told[1], {
    kind: "gap",
    gap: { position: position(7), since: position(3), reason: "slow" },
  });
  assert.deepEqual([offsets(), asked.length], [[8], 0]);
});

test("a pattern has a gap without positions", () => {
  const { subscription, told, next, offsets } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({});
  subscription.heard(publication(4));
  subscription.heard({ kind: "gap", pattern: "c:*", reason: "slow" });
  subscription.heard(publication(9));
  assert.deepEqual(told[2], { kind: "gap", gap: { reason: "slow" } });
  assert.deepEqual(offsets(), [4, 9]);
});

/** One that was away for too long: the server gives so much at once. */
function startFarBehind() {
  const one = start();
  void one.subscription.want();
  one.subscription.lineUp();
  one.next().answer({ position: position(3), publications: [] });
  one.subscription.lineDown();
  one.subscription.lineUp();
  const tooMany = { recovered: false, reason: "too_many", oldest: 1, publications: [] };
  one.next().answer({ position: position(8), ...tooMany });
  return one;
}

const page = (from: number, to: number, top: number) => ({
  position: position(top),
  oldest: 1,
  publications: Array.from({ length: to - from + 1 }, (_, index) => ({
    offset: from + index,
    data: from + index,
  })),
});

test("more than is given at once is read page by page, and then asked for again", () => {
  const { subscription, next, offsets, gaps } = startFarBehind();
  const first = next();
  assert.deepEqual([first.method, first.params], ["history", { channel: "c:a", after: 3 }]);
  subscription.heard(publication(9));
  first.answer(page(4, 6, 9));
  const second = next();
  assert.deepEqual(second.params, { channel: "c:a", after: 6 });
  second.answer(page(7, 9, 9));
  const left = next();
  assert.equal(left.method, "unsubscribe");
  left.answer({});
  const again = next();
  assert.deepEqual(again.params, { channel: "c:a", position: position(9) });
  again.answer({ position: position(9), recovered: true, publications: [] });
  subscription.heard(publication(10));
  assert.deepEqual([offsets(), gaps()], [[4, 5, 6, 7, 8, 9, 10], []]);
});

test("what expires while it is read is a gap", () => {
  const { next, offsets, gaps } = startFarBehind();
  next().answer(page(4, 6, 9));
  next().answer({ ...page(8, 9, 9), oldest: 8 });
  next().answer({});
  next().answer({ position: position(9), recovered: true, publications: [] });
  assert.deepEqual([offsets(), gaps()], [[4, 5, 6], ["expired"]]);
});

test("what cannot be read is a gap, as the server had said", () => {
  const { subscription, next, offsets, gaps, asked } = startFarBehind();
  next().refuse(4012);
  assert.deepEqual([offsets(), gaps(), asked.length], [[], ["too_many"], 0]);
  subscription.heard(publication(9));
  assert.deepEqual(offsets(), [9]);
});

test("a line that is lost while it is read is gone on with from there", () => {
  const { subscription, next } = startFarBehind();
  next().answer(page(4, 6, 9));
  next();
  subscription.lineDown();
  subscription.lineUp();
  assert.deepEqual(next().params, { channel: "c:a", position: position(6) });
});

test("what is refused for good is given up, and may be wanted again", async () => {
  const { subscription, told, next } = start();
  const done = subscription.want();
  subscription.lineUp();
  next().refuse(4005);
  await assert.rejects(done, { code: 4005, retry: "give-up" });
  assert.equal(subscription.isWanted(), false);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ["error"],
  );
  const again = subscription.want();
  next().answer({ position: position(0), publications: [] });
  await again;
});

test("what is refused for now is asked again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { subscription, asked, next } = start();
  const done = subscription.want();
  subscription.lineUp();
  next().refuse(4011);
  assert.equal(asked.length, 0);
  context.mock.timers.tick(500);
  next().answer({ position: position(0), publications: [] });
  await done;
});

test("it is left when it is not wanted any more", async () => {
  const { subscription, next, offsets } = start();
  const done = subscription.want();
  subscription.lineUp();
  const first = next();
  const left = subscription.unwant();
  await assert.rejects(done, { code: "unsubscribed" });
  first.answer({ position: position(3), publications: [] });
  const leave = next();
  assert.equal(leave.method, "unsubscribe");
  subscription.heard(publication(4));
  leave.answer({});
  await left;
  assert.deepEqual(offsets(), []);
});

test("left without a line it is left at once, and begins anew later", async () => {
  const { subscription, next } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({ position: position(3), publications: [] });
  subscription.lineDown();
  await subscription.unwant();
  void subscription.want();
  subscription.lineUp();
  assert.deepEqual(next().params, { channel: "c:a" });
});

test("whoever has heard enough hears no more", async () => {
  const { subscription, told, next, offsets } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({ position: position(3), publications: [] });
  subscription.lineDown();
  subscription.lineUp();
  const push = told.push.bind(told);
  told.push = (it) => {
    if (it.kind === "publication") void subscription.unwant();
    return push(it);
  };
  const publications = [4, 5].map((offset) => ({ offset, data: offset }));
  next().answer({ position: position(5), recovered: true, publications });
  assert.deepEqual(offsets(), [4]);
  assert.equal(next().method, "unsubscribe");
});

test("the server may end it", async () => {
  const { subscription, told, asked, next } = start();
  void subscription.want();
  subscription.lineUp();
  next().answer({ position: position(3), publications: [] });
  subscription.heard({ kind: "unsubscribed", channel: "c:a", code: 4004, reason: "over" });
  assert.deepEqual(told.at(-1), {
    kind: "unsubscribed",
    channel: "c:a",
    code: 4004,
    reason: "over",
  });
  assert.equal(subscription.isWanted(), false);
  assert.equal(asked.length, 0);
});
