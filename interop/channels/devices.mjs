// What the application behind the server does for one client: its methods, messages to a device, and to the client.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { connect as connectBy, next } from "./clients.mjs";

export const OPERATOR_KEY = "the-operators-own-key";

export async function checkDevices(server, carrier) {
  const url = server.ws("/tieline");
  const connect = () => connectBy(url, { carriers: [carrier] });
  /** Asks the operator's side. */
  const ask = async (method, path, body) => {
    const headers = { authorization: `Bearer ${OPERATOR_KEY}`, "content-type": "application/json" };
    const request = { method, headers, body: body && JSON.stringify(body) };
    const response = await fetch(`${server.origins[1]}/api/v1/${path}`, request);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const send = async (device, n, statuses = [200]) => {
    const { status } = await ask("POST", `devices/${device}/messages`, { text: JSON.stringify({ n }) });
    assert.ok(statuses.includes(status), `${status}`);
  };
  const waits = async (device) => (await ask("GET", `devices/${device}`)).body.waiting.messages;

  await check(`${carrier}: a method of the application is called, and its error is its own`, async () => {
    const client = connect();
    assert.equal(await client.call("demo_sum", [1, 2]), 3);
    assert.equal(await client.call("demo_echo"), null);
    await assert.rejects(client.call("demo_fail", [7, "as asked"]), { code: 7, message: "as asked" });
    await assert.rejects(client.call("demo_nothing"), { code: -32601, retry: "give-up" });
  });

  await check(`${carrier}: messages to a device come in order, and stay until it is done with them`, async () => {
    const id = `order-${carrier}`;
    const device = await connect().device(id);
    for (let n = 1; n <= 100; n += 1) await send(id, n, [200, 202]);
    const taken = [];
    for await (const { data } of device) if (taken.push(data.n) === 100) break;
    assert.deepEqual(
      taken,
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
    await until("all but the last are acknowledged", async () => (await waits(id)) === 1);
    await device.unregister();
    assert.equal((await ask("POST", `devices/${id}/messages`, { text: "x" })).status, 404);
  });

  await check(`${carrier}: what came while a device was away comes to the next client that is it`, async () => {
    const id = `away-${carrier}`;
    const first = connect();
    await first.device(id);
    first.close();
    await until("it is away", async () => !(await ask("GET", `devices/${id}`)).body.online);
    for (const n of [1, 2]) await send(id, n, [202]);
    const heard = [];
    const device = await connect().device(id);
    device.on("message", ({ data }) => heard.push(data.n));
    await until("both are dealt with", async () => heard.length === 2 && (await waits(id)) === 0);
    assert.deepEqual(heard, [1, 2]);
  });

  await check(`${carrier}: a device goes over to the newest line, and the older client goes on`, async () => {
    const id = `newest-${carrier}`;
    const [old, newer] = [connect(), connect()];
    const gone = next(await old.device(id), "unregistered");
    const device = await newer.device(id);
    assert.equal((await gone).code, 4017);
    await send(id, 1);
    assert.deepEqual((await next(device, "message")).data, { n: 1 });
    assert.equal(await old.call("demo_sum", [1]), 1);
  });

  await check(`${carrier}: what is said to one client comes to that one`, async () => {
    const [client, other] = [connect(), connect()];
    other.on("message", () => assert.fail("it was not for this one"));
    const { client: id } = await next(client, "connected");
    const heard = next(client, "message");
    const sent = await ask("POST", `clients/${id}/messages`, { data: { order: "ready" } });
    assert.deepEqual(sent, { status: 200, body: { outcome: "delivered" } });
    assert.deepEqual((await heard).data, { order: "ready" });
    await other.call("demo_sum", [1]);
  });

  if (carrier !== "websocket") return;
  await check("a device whose line is cut again and again is given every message once", async () => {
    const client = connect();
    const device = await client.device("cut");
    const heard = [];
    device.on("message", ({ data }) => heard.push(data.n));
    for (let round = 0; round < 20; round += 1) {
      const back = next(device, "registered");
      client.cut();
      for (const n of [2 * round, 2 * round + 1]) await send("cut", n, [200, 202]);
      await back;
    }
    await until("all is dealt with", async () => (await waits("cut")) === 0);
    assert.deepEqual(
      heard,
      Array.from({ length: 40 }, (_, at) => at),
    );
  });
}
