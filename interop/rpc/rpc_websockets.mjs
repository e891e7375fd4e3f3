// npm rpc-websockets: its own client with calls, errors, events, logins and namespaces.

import assert from "node:assert/strict";
import { once } from "node:events";
import { check, within } from "../harness/checks.mjs";
import { load } from "../harness/tieline.mjs";
import { answer, call, openPlain } from "./plain_line.mjs";

const { Client } = load("rpc-websockets");

async function open(server, path = "/events") {
  const client = new Client(server.ws(path), { reconnect: false });
  client.on("error", () => {});
  await within(once(client, "open"), "the client is open");
  return client;
}

const fails = (promise) =>
  promise.then(
    (result) => assert.fail(`answered ${JSON.stringify(result)}`),
    (error) => error,
  );

export async function checkRpcWebsockets(server) {
  await check("rpc-websockets: calls by position and by name, notifications and the list of methods", async () => {
    const client = await open(server);
    assert.deepEqual(await client.call("demo_echo", [1, "a"]), [1, "a"]);
    assert.deepEqual(await client.call("demo_echo", { a: [] }), { a: [] });
    await client.notify("demo_echo", [1]);
    const methods = await client.listMethods();
    for (const name of ["__listMethods", "demo_echo", "rpc.login"]) assert.ok(methods.includes(name), name);
    const unknown = await fails(client.call("nothing"));
    assert.deepEqual([unknown.code, unknown.message], [-32601, "Method not found"]);
    const wrong = await fails(client.call("demo_wait", ["x"]));
    assert.deepEqual([wrong.code, wrong.message, typeof wrong.data], [-32602, "Invalid params", "string"]);
    const own = await fails(client.call("demo_fail", [42, "of its own"]));
    assert.deepEqual([own.code, own.message], [42, "of its own"]);
    client.close();
  });
  await check("rpc-websockets: events reach those who listen in their namespace, by position and by name", async () => {
    const [first, second, other] = [await open(server), await open(server), await open(server, "/events/chat")];
    assert.deepEqual(await first.subscribe(["feed", "nothing"]), { feed: "ok", nothing: "provided event invalid" });
    await second.subscribe("feed");
    await other.subscribe("feed");
    other.on("feed", () => assert.fail("another namespace"));
    const heard = [first, second].map((client) => within(once(client, "feed"), "the event"));
    assert.equal(await second.call("demo_emit", ["feed", [1, "a"]]), true);
    for (const args of await Promise.all(heard)) assert.deepEqual(args, [1, "a"]);
    const named = within(once(first, "feed"), "the event");
    await second.call("demo_emit", ["feed", { a: 1 }]);
    assert.deepEqual(await named, [{ a: 1 }]);
    assert.deepEqual(await first.unsubscribe("feed"), { feed: "ok" });
    assert.deepEqual(await first.unsubscribe("feed"), { feed: "not subscribed" });
    first.on("feed", () => assert.fail("unsubscribed"));
    const last = within(once(second, "feed"), "the event");
    await first.call("demo_emit", ["feed", []]);
    await last;
    for (const client of [first, second, other]) client.close();
  });
  await check("rpc-websockets: what is protected needs a login, which is the line's own", async () => {
    const [client, other] = [await open(server), await open(server)];
    assert.equal((await fails(client.call("demo_sum", [1, 2]))).code, -32605);
    assert.equal((await fails(client.subscribe(["feed", "secret"]))).code, -32606);
    await fails(client.login({ password: "wrong" }));
    assert.equal(await client.login({ password: "demo" }), true);
    assert.equal(await client.call("demo_sum", [1, 2]), 3);
    assert.deepEqual(await client.subscribe("secret"), { secret: "ok" });
    assert.equal((await fails(other.call("demo_sum", [1, 2]))).code, -32605);
    for (const each of [client, other]) each.close();
  });
  await check("rpc-websockets: plain notifications of subscriptions are events of the client, too", async () => {
    const client = await open(server);
    const pushed = within(once(client, "demo_subscription"), "a push");
    const id = await client.call("demo_subscribe", ["ticks", 5]);
    assert.deepEqual(await pushed, [{ subscription: id, result: 1 }]);
    client.close();
  });
  await check("rpc-websockets: a binary request is answered in binary, and the id 0 not at all", async () => {
    const line = await openPlain(server, "/events");
    line.send(call(0, "demo_echo"));
    line.send(Buffer.from(call(1, "demo_echo")));
    const heard = await line.next();
    assert.ok(heard instanceof ArrayBuffer);
    assert.equal(Buffer.from(heard).toString(), answer(1, "[]"));
    line.socket.close();
  });
}
