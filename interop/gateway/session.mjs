// The whole session of the documents, letter for letter.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { closesWith } from "../harness/line.mjs";
import { bind, newId, register, say } from "./device.mjs";
import { notify } from "./notifying.mjs";

export async function checkSession(server, backend) {
  const id = newId();
  let line;
  await check("session: RG is answered by RO with a credential and milliseconds", async () => {
    line = await bind(server, { id });
    assert.equal(line.millis, 25_000);
  });
  await check("session: REGISTER reaches the backend with x-ca-deviceid, and its 200 comes back with the sequence", async () => {
    const answer = await say(line, "REGISTER");
    assert.equal(answer.status, 200);
    assert.equal(answer.header["x-ca-seq"], "0");
    assert.equal(answer.header["content-type"], "application/json; charset=utf-8");
    assert.equal(answer.body, "ok");
    const [asked] = await backend.of("/register", id);
    assert.equal(asked.method, "POST");
    assert.equal(asked.body, "username=xiaoming&password=123456789");
    assert.equal(asked.headers["user-agent"], "ALIYUN-ANDROID-DEMO");
    assert.equal(asked.headers["x-ca-signature"], undefined);
  });
  await check("session: H1 is answered by HO with the credential", async () => {
    line.send("H1");
    assert.equal(await line.next(), `HO#${line.credential}`);
  });
  await check("session: what the backend notifies arrives as NF", async () => {
    const answer = await notify(server, id, "HELLO WORLD!");
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { result: "delivered" }]);
    assert.equal(await line.next(), "NF#HELLO WORLD!");
    line.send("NO");
  });
  await check("session: CR ends the line's life, the device comes back and registers again", async () => {
    const first = await register(server, { path: "/short" });
    assert.equal(await first.next(), "CR");
    await closesWith(first, 1000, "Reconnect");
    const second = await register(server, { path: "/short", id: first.id });
    assert.equal((await notify(server, first.id, "again")).status, 200);
    assert.equal(await second.next(), "NF#again");
  });
  await check("session: UNREGISTER gets its device id from the gateway, and the device is unknown after it", async () => {
    const answer = await say(line, "UNREGISTER", { seq: "7" });
    assert.deepEqual([answer.status, answer.header["x-ca-seq"], answer.body], [200, "7", ""]);
    await backend.of("/unregister", id);
    const refused = await notify(server, id, "nobody");
    assert.deepEqual([refused.status, refused.code], [404, "N404DV"]);
    await closesWith(line, 1000);
  });
  await check("session: connected, registered, unregistered and disconnected are told in this order, each under its key", async () => {
    const told = () => backend.asked.filter((it) => it.url === "/events" && JSON.parse(it.body).device === id);
    await until("four events", () => told().length >= 4);
    const events = told();
    assert.deepEqual(
      events.map(({ body }) => JSON.parse(body).event),
      ["connected", "registered", "unregistered", "disconnected"],
    );
    assert.equal(new Set(events.map(({ headers }) => headers["idempotency-key"])).size, 4);
  });
}
