// Notifications over HTTP and over a backend's own line, to devices that are there, away and unknown.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { closesWith } from "../harness/line.mjs";
import { answer, newId, open, register, say, bind, signedEnvelope } from "./device.mjs";
import { notify, send } from "./notifying.mjs";
import { BACKEND_APP, DEVICE_APP } from "./server.mjs";
import { signed } from "./signing.mjs";

export async function checkNotify(server) {
  await check("notify: delivered, stored and unknown have each their status", async () => {
    const line = await register(server);
    assert.equal((await notify(server, line.id, "1")).status, 200);
    assert.equal(await line.next(), "NF#1");
    await closesWith(line, 1000);
    const stored = await notify(server, line.id, "2");
    assert.deepEqual([stored.status, JSON.parse(stored.body)], [202, { result: "stored" }]);
    const unknown = await notify(server, newId(), "3");
    assert.deepEqual([unknown.status, unknown.code], [404, "N404DV"]);
  });
  await check("notify: an inbox is delivered in order behind the answer of REGISTER, and is then empty", async () => {
    const line = await register(server);
    await closesWith(line, 1000);
    const texts = Array.from({ length: 50 }, (_, number) => `message ${number}`);
    for (const text of texts) assert.equal((await notify(server, line.id, text)).status, 202);
    const again = await bind(server, { id: line.id });
    assert.equal((await say(again, "REGISTER")).status, 200);
    for (const text of texts) assert.equal(await again.next(), `NF#${text}`);
    await closesWith(again, 1000);
    const third = await register(server, { id: line.id });
    assert.equal((await notify(server, line.id, "last")).status, 200);
    assert.equal(await third.next(), "NF#last");
  });
  await check("notify: who is not allowed to, or says it twice, or wrong, is refused with a code", async () => {
    const line = await register(server);
    const refused = async (code, options, body = "x") => {
      const response = await notify(server, line.id, body, options);
      assert.equal(response.code, code, response.body);
    };
    await refused("A403AP", { app: DEVICE_APP });
    await refused("A403SI", { app: { ...BACKEND_APP, secret: "wrong" } });
    await refused("A400IK", { app: { ...BACKEND_APP, key: "nobody" } });
    await refused("A400MD", { change: (call) => (call.body = "another") });
    await refused("A403SI", { change: (call) => (call.headers["x-ca-deviceid"] = newId()) });
    await refused("A403TS", { headers: { "x-ca-timestamp": String(Date.now() - 901_000) } });
    await refused("N400TX", { change: (call) => (call.body = Buffer.from([0xff])), headers: { "content-md5": "AFlPsvnL5TVO34OK+qT7iA==" } }, Buffer.from([0xff]));
    const call = signed({ method: "POST", path: "/notify", headers: { "x-ca-deviceid": line.id }, body: "once" }, BACKEND_APP);
    assert.equal((await send(server, call)).status, 200);
    assert.equal((await send(server, call)).code, "A403NU");
    assert.equal(await line.next(), "NF#once");
    assert.equal((await notify(server, line.id, "x".repeat(70_000))).status, 413);
  });
  await check("notify: one idempotency key is one message", async () => {
    const line = await register(server);
    const headers = { "idempotency-key": "order-7" };
    for (let time = 0; time < 3; time += 1) assert.equal((await notify(server, line.id, "shipped", { headers })).status, 200);
    await notify(server, line.id, "next");
    assert.equal(await line.next(), "NF#shipped");
    assert.equal(await line.next(), "NF#next");
  });
  await check("notify: over one line of the backend's, answered by sequence, in order for each device", async () => {
    const [one, other] = [await register(server), await register(server)];
    const backend = await open(server);
    const statuses = new Map();
    const count = 100;
    for (let seq = 0; seq < count; seq += 1) {
      const device = seq % 2 === 0 ? one.id : other.id;
      const headers = { "x-ca-seq": String(seq), "x-ca-websocket_api_type": "NOTIFY", "x-ca-deviceid": device };
      backend.send(signedEnvelope({ path: "/notify", headers, body: `${seq}` }, BACKEND_APP));
    }
    const headers = { "x-ca-seq": "unknown", "x-ca-websocket_api_type": "NOTIFY", "x-ca-deviceid": newId() };
    backend.send(signedEnvelope({ path: "/notify", headers, body: "x" }, BACKEND_APP));
    while (statuses.size < count + 1) {
      const { status, header } = await answer(backend);
      statuses.set(header["x-ca-seq"], status);
    }
    assert.equal(statuses.get("unknown"), 404);
    for (let seq = 0; seq < count; seq += 1) assert.equal(statuses.get(String(seq)), 200);
    for (const [line, from] of [[one, 0], [other, 1]]) {
      for (let seq = from; seq < count; seq += 2) assert.equal(await line.next(), `NF#${seq}`);
    }
  });
  await check("notify: with until_acknowledged what was not answered by NO comes again on the next line", async () => {
    const path = "/ack";
    const first = await register(server, { path });
    const say_ = (text) => notify(server, first.id, text, { path: "/ack/notify" });
    for (const text of ["1", "2", "3"]) assert.equal((await say_(text)).status, 200);
    for (const text of ["1", "2", "3"]) assert.equal(await first.next(), `NF#${text}`);
    first.send("NO");
    // The answer of a call shows that the NO before it was heard.
    await say(first, "REGISTER");
    const second = await register(server, { path, id: first.id });
    assert.equal(await second.next(), "NF#2");
    assert.equal(await second.next(), "NF#3");
    for (const text of ["4", "5", "6"]) assert.equal((await say_(text)).status, 200);
    const full = await say_("7");
    assert.deepEqual([full.status, full.code], [507, "N507IN"]);
  });
  await check("notify: another path, and another method, are no API", async () => {
    assert.equal((await notify(server, newId(), "x", { path: "/nowhere" })).code, "I404NF");
    assert.equal((await notify(server, newId(), "x", { path: "/register" })).code, "I404NF");
  });
}
