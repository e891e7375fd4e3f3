// What a device is told, acknowledges, and says again on the next line.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Device } from "../src/device.ts";
import { TielineError } from "../src/errors.ts";
import type { Outcome, Settle } from "../src/session.ts";

/** A device, and the server by hand. */
function scene() {
  const asked: { method: string; params: object; settle: Settle }[] = [];
  const received: number[] = [];
  const device = new Device<unknown>("d", {
    askLine: (method, params, settle) => asked.push({ method, params, settle }),
    tellLine: (method, params) => {
      assert.equal(method, "received");
      received.push(...(params as { ids: number[] }).ids);
    },
  });
  const answer = (outcome: Outcome = { result: {} }) => {
    const call = asked.shift();
    assert.ok(call, "nothing was asked");
    assert.deepEqual(call.params, { device: "d" });
    call.settle(outcome);
    return call.method;
  };
  /** Everything that can happen now. */
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const hears = (id: number, data: unknown = id) => device.heard({ id, data });
  return { device, asked, received, answer, hears, turn };
}

/** One that is registered on its first line. */
async function registered() {
  const all = scene();
  all.device.registration.lineUp();
  const wanted = all.device.registration.want();
  all.answer();
  await wanted;
  return all;
}

test("it registers on every line", async () => {
  const { device, asked, answer } = await registered();
  let count = 0;
  device.on("registered", () => {
    count += 1;
  });
  assert.equal(device.isRegistered, true);
  device.registration.lineDown();
  assert.deepEqual([device.isRegistered, asked.length], [false, 0]);
  device.registration.lineUp();
  assert.equal(answer(), "register");
  assert.deepEqual([device.isRegistered, count], [true, 1]);
});

test("what an earlier line answers is nobody's news", async () => {
  const { device, asked, answer } = scene();
  device.registration.lineUp();
  const wanted = device.registration.want();
  const late = asked.shift();
  device.registration.lineDown();
  device.registration.lineUp();
  late?.settle({ result: {} });
  assert.equal(device.isRegistered, false);
  answer();
  await wanted;
});

test("a message is acknowledged when every listener is done with it, one after the other", async () => {
  const { device, received, hears, turn } = await registered();
  const heard: unknown[] = [];
  let finish = () => {};
  device.on("message", ({ data }) => {
    heard.push(data);
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  hears(1, { a: 1 });
  hears(2, "b");
  await turn();
  assert.deepEqual([heard, received], [[{ a: 1 }], []]);
  finish();
  await turn();
  assert.deepEqual([heard, received], [[{ a: 1 }, "b"], [1]]);
  finish();
  await turn();
  assert.deepEqual(received, [1, 2]);
});

test("one that comes again is acknowledged again, and dealt with once", async () => {
  const { device, received, hears, turn } = await registered();
  const heard: unknown[] = [];
  device.on("message", ({ id }) => {
    heard.push(id);
  });
  hears(1);
  await turn();
  hears(1);
  hears(2);
  await turn();
  assert.deepEqual(
    [heard, received],
    [
      [1, 2],
      [1, 1, 2],
    ],
  );
});

test("one that nobody has dealt with comes again as new", async (t) => {
  t.mock.method(console, "error", () => {});
  const { device, received, hears, turn } = await registered();
  let count = 0;
  device.on("message", async () => {
    count += 1;
    if (count === 1) throw new Error("as it was told");
  });
  hears(1);
  await turn();
  assert.deepEqual([count, received], [1, []]);
  hears(1);
  await turn();
  assert.deepEqual([count, received], [2, [1]]);
});

test("what comes before anybody listens waits", async () => {
  const { device, received, hears, turn } = await registered();
  hears(1);
  hears(1);
  await turn();
  assert.deepEqual(received, []);
  const heard: unknown[] = [];
  device.on("message", ({ id }) => {
    heard.push(id);
  });
  await turn();
  assert.deepEqual([heard, received], [[1], [1]]);
});

test("a loop acknowledges when it asks for the next, and the one that it is left with is given again", async () => {
  const { device, received, hears, turn } = await registered();
  for (const id of [1, 2, 3]) hears(id);
  for await (const { id } of device) if (id === 2) break;
  await turn();
  assert.deepEqual(received, [1]);
  const heard: unknown[] = [];
  for await (const { id } of device) {
    heard.push(id);
    if (id === 3) device.unregistered(4017, "elsewhere");
  }
  await turn();
  assert.deepEqual(
    [heard, received],
    [
      [2, 3],
      [1, 2, 3],
    ],
  );
});

test("a refusal is told, and one that may do better later is tried again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { device, answer, asked } = scene();
  const errors: unknown[] = [];
  device.on("error", ({ code }) => {
    errors.push(code);
  });
  device.registration.lineUp();
  const wanted = device.registration.want();
  answer({ error: new TielineError(4011, "") });
  assert.equal(asked.length, 0);
  t.mock.timers.tick(500);
  answer({ error: new TielineError(4014, "") });
  await assert.rejects(wanted, { code: 4014 });
  assert.deepEqual([errors, device.isOver], [[4011, 4014], true]);
});

test("it goes on elsewhere, and is not registered here again", async () => {
  const { device, asked } = await registered();
  let told: unknown;
  device.on("unregistered", (event) => {
    told = event;
  });
  device.unregistered(4017, "elsewhere");
  assert.deepEqual(told, { code: 4017, reason: "elsewhere" });
  device.registration.lineDown();
  device.registration.lineUp();
  assert.deepEqual([asked.length, device.isOver], [0, true]);
});

test("an answer that comes behind its takeover changes nothing", async () => {
  const { device, answer } = scene();
  device.registration.lineUp();
  const wanted = device.registration.want();
  device.unregistered(4017, "elsewhere");
  answer();
  await assert.rejects(wanted, { code: 4017 });
  assert.equal(device.isRegistered, false);
});

test("it is forgotten also where the line is lost meanwhile", async () => {
  const { device, asked, answer } = await registered();
  const forgotten = device.unregister();
  assert.equal(asked.shift()?.method, "unregister");
  device.registration.lineDown();
  device.registration.lineUp();
  assert.deepEqual([answer(), answer()], ["register", "unregister"]);
  await forgotten;
  assert.deepEqual([asked.length, device.isOver], [0, true]);
});
