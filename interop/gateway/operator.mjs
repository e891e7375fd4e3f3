// The operator's side: who is there, a message to one, to several, to whoever is away, and an end to it.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { newId, register } from "./device.mjs";
import { OPERATOR_KEY as KEY, startOperated } from "./server.mjs";

export async function checkOperator(backend) {
  const server = await startOperated(backend);
  const ask = async (method, path, body, key = KEY) => {
    const headers = { authorization: `Bearer ${key}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(server.origins[1] + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, body: text && JSON.parse(text) };
  };
  const device = (id, rest = "") => `/api/v1/devices/${encodeURIComponent(id)}${rest}`;

  const line = await register(server);
  const other = await register(server);
  await check("operator: without its key nobody hears of devices", async () => {
    assert.equal((await ask("GET", "/api/v1/devices", undefined, "another")).status, 401);
    assert.equal((await ask("GET", device(line.id), undefined, "another")).status, 401);
  });
  await check("operator: devices are listed by their ids, in pages", async () => {
    const first = await ask("GET", "/api/v1/devices?limit=1");
    assert.equal(first.body.devices.length, 1);
    const second = await ask("GET", `/api/v1/devices?limit=1&after=${encodeURIComponent(first.body.next)}`);
    assert.deepEqual([...first.body.devices, ...second.body.devices].map(({ id }) => id), [line.id, other.id].sort());
    assert.equal(second.body.next, null);
    const { since_ms, ...one } = (await ask("GET", device(line.id))).body;
    assert.ok(Math.abs(Date.now() - since_ms) < 600_000);
    const waiting = { messages: 0, bytes: 0 };
    assert.deepEqual(one, { id: line.id, route: "/", online: true, registered: true, user: null, waiting });
  });
  await check("operator: a message to one device arrives as NF, whatever is in it", async () => {
    const text = "für dich # und\nmehr";
    assert.deepEqual(await ask("POST", device(line.id, "/messages"), { text }), {
      status: 200,
      body: { outcome: "delivered" },
    });
    assert.equal(await line.next(), `NF#${text}`);
  });
  await check("operator: the same idempotency key is the same message", async () => {
    const message = { text: "once", idempotency_key: "k1" };
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await ask("POST", device(line.id, "/messages"), message)).body.outcome, "delivered");
    }
    await ask("POST", device(line.id, "/messages"), { text: "next" });
    assert.deepEqual([await line.next(), await line.next()], ["NF#once", "NF#next"]);
  });
  await check("operator: a message to several tells what became of each", async () => {
    const nobody = newId();
    const sent = await ask("POST", "/api/v1/messages", { devices: [line.id, nobody, other.id], text: "all" });
    assert.deepEqual(sent.body.outcomes, [
      { device: line.id, outcome: "delivered" },
      { device: nobody, outcome: "unknown" },
      { device: other.id, outcome: "delivered" },
    ]);
    assert.deepEqual([await line.next(), await other.next()], ["NF#all", "NF#all"]);
    assert.equal((await ask("POST", "/api/v1/messages", { text: "to whom?" })).status, 400);
    assert.equal((await ask("POST", device(nobody, "/messages"), { text: "?" })).status, 404);
  });
  await check("operator: a device that is disconnected is away, and hears what was stored when it is back", async () => {
    assert.equal((await ask("POST", device(other.id, "/disconnect"))).status, 204);
    assert.equal((await other.closed()).code, 1012);
    await until("it is away", async () => !(await ask("GET", device(other.id))).body.online);
    assert.equal((await ask("POST", device(other.id, "/disconnect"))).status, 404);
    const stored = await ask("POST", device(other.id, "/messages"), { text: "for later" });
    assert.deepEqual([stored.status, stored.body.outcome], [202, "stored"]);
    const { waiting } = (await ask("GET", device(other.id))).body;
    assert.equal(waiting.messages, 1);
    const back = await register(server, { id: other.id });
    assert.equal(await back.next(), "NF#for later");
  });
  await check("operator: a device that is forgotten has no line, no inbox and no name", async () => {
    assert.equal((await ask("DELETE", device(line.id))).status, 204);
    assert.equal((await line.closed()).code, 1008);
    assert.equal((await ask("GET", device(line.id))).status, 404);
    assert.equal((await ask("DELETE", device(line.id))).status, 404);
  });
  await check("operator: wrong requests are told what would be right", async () => {
    for (const [method, path, body, status, words] of [
      ["GET", "/api/v1/devices?limit=0", undefined, 400, "1 to 1000"],
      ["GET", "/api/v1/devices?page=2", undefined, 400, "unknown field"],
      ["POST", device(other.id, "/messages"), { message: "x" }, 422, "unknown field"],
      ["PUT", "/api/v1/devices", undefined, 405, "openapi.json"],
    ]) {
      const answer = await ask(method, path, body);
      assert.equal(answer.status, status, path);
      assert.ok(answer.body.detail.includes(words), answer.body.detail);
    }
  });
  await check("operator: the page is there, and the description names every path", async () => {
    const page = await fetch(`${server.origins[1]}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy"), /default-src 'self'/);
    assert.match(await page.text(), /data-side="operator"/);
    const { paths } = (await ask("GET", "/api/v1/openapi.json")).body;
    for (const path of ["/api/v1/devices", "/api/v1/devices/{id}/messages", "/api/v1/messages", "/api/v1/dead-events"]) {
      assert.ok(path in paths, path);
    }
  });
  await check("operator: the lines of devices and their calls of backends are among the metrics", async () => {
    const response = await fetch(`${server.origins[1]}/metrics`, { headers: { authorization: `Bearer ${KEY}` } });
    const text = await response.text();
    for (const metric of [/^tieline_lines_open\{.*route="\/".*\} [1-9]/m, /^tieline_backend_calls_total\{.*"shop".*\} [1-9]/m]) {
      assert.match(text, metric);
    }
  });
  assert.equal(await server.stop(), 0);
}
