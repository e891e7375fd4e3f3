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
