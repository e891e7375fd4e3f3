// kill -9 with messages in inboxes and events in the outbox: nothing is lost, nothing has two keys.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { check, until } from "../harness/checks.mjs";
import { closesWith } from "../harness/line.mjs";
import { folder, startTieline } from "../harness/tieline.mjs";
import { startBackend } from "./backend_process.mjs";
import { bind, register, say } from "./device.mjs";
import { notify } from "./notifying.mjs";
import { common, gateway } from "./server.mjs";

const STORE = join(folder, "store");

export async function checkKilled() {
  rmSync(STORE, { recursive: true, force: true });
  const backend = await startBackend();
  const start = () => {
    const settings = 'inbox = { durable = true, max_messages = 1000 }\nevents = { backend = "shop" }';
    const acknowledged = "inbox = { durable = true, until_acknowledged = true }";
    return startTieline({
      config: `${common(backend)}[store]\npath = "${STORE}"\n[[route]]\npath = "/"\n${gateway({ settings })}
        [[route]]\npath = "/ack"\n${gateway({ settings: acknowledged, prefix: "/ack" })}`,
    });
  };
  let server = await start();
  let [away, online, acked, flooded] = [];

  await check("killed: with messages in inboxes, events that nobody took, and lines that are open", async () => {
    await backend.answerEvents(503);
    away = await register(server);
    await closesWith(away, 1000);
    for (let number = 0; number < 20; number += 1) {
      assert.equal((await notify(server, away.id, `m${number}`, { headers: { "idempotency-key": `k${number}` } })).status, 202);
    }
    online = await register(server);
    acked = await register(server, { path: "/ack" });
    for (const text of ["a1", "a2", "a3"]) assert.equal((await notify(server, acked.id, text, { path: "/ack/notify" })).status, 200);
    for (const text of ["a1", "a2", "a3"]) assert.equal(await acked.next(), `NF#${text}`);
    flooded = await register(server);
    await closesWith(flooded, 1000);
    await server.kill();
    server = await start();
  });
  await check("killed: what was stored comes in order, once, when its device has registered again", async () => {
    // As a backend does that had no answer: the same key is the same message.
    const again = await notify(server, away.id, "m19", { headers: { "idempotency-key": "k19" } });
    assert.equal(again.status, 202);
    const line = await bind(server, { id: away.id });
    assert.equal((await say(line, "REGISTER")).status, 200);
    for (let number = 0; number < 20; number += 1) assert.equal(await line.next(), `NF#m${number}`);
    assert.equal((await notify(server, away.id, "after")).status, 200);
    assert.equal(await line.next(), "NF#after");
  });
  await check("killed: what was sent and not answered comes again", async () => {
    const line = await register(server, { path: "/ack", id: acked.id });
    for (const text of ["a1", "a2", "a3"]) assert.equal(await line.next(), `NF#${text}`);
  });
  await check("killed: each event is told, in order, under one key, and the open session's end with it", async () => {
    await backend.answerEvents(204);
    const expected = ["connected", "registered", "disconnected"];
    for (const { id } of [away, online]) {
      const first = () => {
        const own = backend.asked.filter((it) => it.url === "/events" && JSON.parse(it.body).device === id);
        return [...new Map(own.map((it) => [it.headers["idempotency-key"], JSON.parse(it.body)])).values()];
      };
      await until(`the events of ${id}`, () => first().length >= 3, 50_000);
      const events = first().slice(0, 3);
      assert.deepEqual(events.map(({ event }) => event), expected);
      assert.deepEqual(events.map(({ seq }) => seq), [1, 2, 3]);
      if (id === online.id) assert.equal(events[2].reason, "server restarted");
    }
  });
  await check("killed: no event and no call was ever sent under two keys, or another under the same", async () => {
    const keys = new Map();
    for (const { url, headers, body } of backend.asked) {
      const key = headers["idempotency-key"];
      assert.ok(key, `${url} has a key`);
      assert.equal(keys.get(key) ?? body, body, `one key, one body: ${key}`);
      keys.set(key, body);
    }
    const events = backend.asked.filter((it) => it.url === "/events");
    const bodies = new Map(events.map(({ headers, body }) => [body, headers["idempotency-key"]]));
    for (const { headers, body } of events) assert.equal(headers["idempotency-key"], bodies.get(body));
  });
  await check("killed: in the middle of notifications, every one that was answered arrives, and none twice", async () => {
    const answered = [];
    const sending = Array.from({ length: 300 }, async (_, number) => {
      const { status } = await notify(server, flooded.id, `f${number}`);
      assert.equal(status, 202);
      answered.push(`NF#f${number}`);
    });
    const settled = Promise.allSettled(sending);
    await until("some are answered", () => answered.length >= 20);
    await server.kill();
    await settled;
    const kept = new Set(answered);
    server = await start();
    const line = await register(server, { id: flooded.id });
    assert.equal((await notify(server, flooded.id, "the end")).status, 200);
    const heard = [];
    for (let text = ""; text !== "NF#the end"; ) heard.push((text = await line.next()));
    assert.equal(new Set(heard).size, heard.length, "none came twice");
    for (const text of kept) assert.ok(heard.includes(text), `${text} was answered`);
  });
  await check("killed: the server ends in order after all that", async () => assert.equal(await server.stop(), 0));
}
