// Methods of an HTTP backend: a server of Node's own that answers JSON-RPC, and what becomes of its bad days.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { check } from "../harness/checks.mjs";
import { hears } from "../harness/line.mjs";
import { answer, call, failed, openPlain } from "./plain_line.mjs";

const BEHAVIOURS = {
  shop_price: (id, params) => `{"jsonrpc":"2.0","id":${id},"result":{"of":${JSON.stringify(params)},"price":1.50}}`,
  shop_refuse: (id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":77,"message":"sold out","data":[1]}}`,
  shop_huge: (id) => `{"jsonrpc":"2.0","id":${id},"result":"${"x".repeat(20_000)}"}`,
  shop_other: () => '{"jsonrpc":"2.0","id":4711,"result":1}',
  shop_page: () => "<html>",
  shop_slow: () => null,
};

/** Starts it; `heard` are the requests, in their order. */
export async function startBackend() {
  const heard = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    heard.push({ method: request.method, url: request.url, type: request.headers["content-type"], body });
    const { id, method, params } = JSON.parse(body);
    const answered = BEHAVIOURS[method](id, params);
    if (answered !== null) response.end(answered);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, heard };
}

export async function checkBackend(server) {
  await check("backend: a call is a POST with an id of the server's own, and its result comes back to the letter", async () => {
    const line = await openPlain(server, "/shop");
    line.send(call('"mine"', "shop_price", ["tea"]));
    await hears(line, answer('"mine"', '{"of":["tea"],"price":1.50}'));
    const { method, url, type, body } = server.backend.heard.at(-1);
    assert.deepEqual([method, url, type], ["POST", "/calls", "application/json"]);
    assert.equal(typeof JSON.parse(body).id, "number");
    line.send(call(2, "shop_refuse"));
    const { error } = JSON.parse(await line.next());
    assert.deepEqual(error, { code: 77, message: "sold out", data: [1] });
    line.send(call(3, "other"));
    assert.deepEqual(failed(await line.next()), [3, -32601]);
  });
  await check("backend: one that is slow, huge or wrong is told apart, and keeps no other call waiting", async () => {
    const line = await openPlain(server, "/shop");
    line.send(call(1, "shop_slow"));
    line.send(call(2, "shop_price", []));
    await hears(line, answer(2, '{"of":[],"price":1.50}'));
    assert.deepEqual(failed(await line.next()), [1, -32002]);
    for (const [method, code] of [
      ["shop_huge", -32003],
      ["shop_other", -32603],
      ["shop_page", -32603],
    ]) {
      line.send(call(5, method));
      assert.deepEqual(failed(await line.next()), [5, code], method);
    }
  });
}
