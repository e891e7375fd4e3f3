// The operator's page: what it asks, and what it makes of the answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, type Device, type Refused } from "../src/operator/api.ts";
import { createDesk } from "../src/operator/desk.ts";

const DEVICE: Device = {
  id: "a/b@1",
  route: "/",
  online: true,
  registered: true,
  user: null,
  since_ms: null,
  waiting: { messages: 0, bytes: 0 },
};

/** Answers from a list, and remembers what was asked. */
function answering(...answers: [status: number, body: unknown][]) {
  const asked: string[] = [];
  const ask = async (to: string | URL | Request, init?: RequestInit) => {
    asked.push(`${init?.method} ${to} ${init?.body ?? ""}`.trim());
    const [status, body] = answers.shift() ?? [500, {}];
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  };
  return { asked, ask };
}

test("ids are escaped, and the key is sent along", async () => {
  const { asked, ask } = answering([200, { outcome: "stored" }], [204, undefined]);
  const api = createApi("k", ask);
  assert.equal(await api.send("a/b@1", "hi"), "stored");
  await api.forget("a/b@1");
  assert.deepEqual(asked, [
    'POST ./api/v1/devices/a%2Fb%401/messages {"text":"hi"}',
    "DELETE ./api/v1/devices/a%2Fb%401",
  ]);
});

test("a problem says why", async () => {
  const { ask } = answering([401, { title: "Unauthorized", detail: "the key is not a valid one" }]);
  await assert.rejects(createApi("k", ask).devices(), (error: Refused) => {
    assert.equal(error.status, 401);
    return error.message === "the key is not a valid one";
  });
});

test("the desk opens with a good key alone", async () => {
  const bad = answering([401, { detail: "the key is not a valid one" }]);
  const shut = createDesk((key) => createApi(key, bad.ask));
  await shut.open("k");
  assert.equal(shut.isOpen.value, false);
  assert.equal(shut.problem.value, "the key is not a valid one");

  const good = answering([200, { devices: [DEVICE], next: null }]);
  const open = createDesk((key) => createApi(key, good.ask));
  await open.open("k");
  assert.equal(open.isOpen.value, true);
  assert.deepEqual(open.devices.value, [DEVICE]);
  open.close();
  assert.equal(open.devices.value, undefined);
});

test("more devices are the next page, and all of them are looked at again", async () => {
  const second = { ...DEVICE, id: "b" };
  const first = { devices: [DEVICE], next: "a/b@1" };
  const { asked, ask } = answering(
    [200, first],
    [200, first],
    [200, { devices: [second], next: null }],
  );
  const desk = createDesk((key) => createApi(key, ask));
  await desk.open("k");
  assert.equal(desk.hasMore.value, true);
  await desk.more();
  assert.equal(desk.hasMore.value, false);
  assert.deepEqual(
    desk.devices.value?.map((device) => device.id),
    ["a/b@1", "b"],
  );
  assert.equal(asked.at(-1), "GET ./api/v1/devices?limit=50&after=a%2Fb%401");
  desk.close();
});
