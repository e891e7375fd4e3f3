// JSON-RPC 2.0 by POST, by Node's own fetch.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { answer, call, failed } from "./plain_line.mjs";

export async function checkHttp(server) {
  const url = server.http("/rpc");
  const post = (body, type = "application/json") =>
    fetch(url, { method: "POST", headers: { "content-type": type }, body });

  await check("HTTP: a call, a batch and an error are answered with 200 and JSON", async () => {
    for (const type of ["application/json", "application/json-rpc", "application/jsonrequest; charset=utf-8"]) {
      const response = await post(call("1.0", "demo_echo", [type]), type);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "application/json");
      assert.equal(await response.text(), answer("1.0", JSON.stringify([type])));
    }
    const batch = await post(`[${call(1, "demo_echo")},${call(2, "nothing")}]`);
    assert.deepEqual(
      (await batch.json()).map(({ id, error }) => [id, error?.code]),
      [
        [1, undefined],
        [2, -32601],
      ],
    );
    const bad = await post("{bad");
    assert.equal(bad.status, 200);
    assert.deepEqual(failed(await bad.text()), [null, -32700]);
  });
  await check("HTTP: notifications alone are answered with 204", async () => {
    const response = await post('{"jsonrpc":"2.0","method":"demo_echo"}');
    assert.deepEqual([response.status, await response.text()], [204, ""]);
  });
  await check("HTTP: there are no subscriptions, and nobody to be called in turn", async () => {
    const subscribe = await post(call(1, "demo_subscribe", ["ticks", 5]));
    assert.deepEqual(failed(await subscribe.text()), [1, -32601]);
    const ask = await post(call(1, "demo_ask", ["add", []]));
    assert.deepEqual(failed(await ask.text()), [1, -32000]);
  });
  await check("HTTP: another content type gets 415, a long body 413, another method 405, an empty GET 200", async () => {
    assert.equal((await post("{}", "text/plain")).status, 415);
    assert.equal((await post(" ".repeat(65_537))).status, 413);
    for (const method of ["PUT", "DELETE"]) {
      const response = await fetch(url, { method });
      assert.equal(response.status, 405);
      assert.match(response.headers.get("allow"), /POST/);
    }
    const healthy = await fetch(url);
    assert.deepEqual([healthy.status, await healthy.text()], [200, ""]);
  });
  await check("HTTP: a page from elsewhere gets 403", async () => {
    const headers = { "content-type": "application/json", origin: "https://elsewhere.example" };
    assert.equal((await fetch(url, { method: "POST", headers, body: call(1, "demo_echo") })).status, 403);
  });
}
