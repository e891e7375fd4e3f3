// Backends that are slow, dead, wrong or huge: the device is told in time, and no other device notices.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { answer, bind, call, envelope } from "./device.mjs";

export async function checkBackends(server) {
  for (const [path, status, code] of [
    ["/slow", 504, "D504TO"],
    ["/dead", 502, "D502CO"],
    ["/huge", 502, "D502TL"],
    ["/binary", 502, "D502AN"],
    ["/wrong", 502, undefined],
  ]) {
    await check(`backend: ${path} gives an error envelope, and another device is served meanwhile`, async () => {
      const [line, other] = [await bind(server), await bind(server)];
      const began = Date.now();
      line.send(envelope({ path, headers: { "x-ca-seq": "9" } }));
      assert.equal((await call(other, envelope({ path: "/echo" }))).status, 200);
      const response = await answer(line);
      assert.ok(Date.now() - began < 10_000);
      assert.deepEqual([response.status, response.header["x-ca-seq"]], [status, "9"]);
      if (code) assert.equal(response.header["x-ca-error-code"], code);
      assert.match(response.header["x-ca-error-code"], /^D50\d..$/);
      assert.equal((await call(line, envelope({ path: "/echo" }))).status, 200, "the line goes on");
    });
  }
  await check("backend: calls in order wait for a slow one, one without order runs beside it", async () => {
    const line = await bind(server);
    line.send(envelope({ path: "/slow/beside", headers: { "x-ca-seq": "1" } }));
    line.send(envelope({ path: "/echo", headers: { "x-ca-seq": "2" } }));
    assert.equal((await answer(line)).header["x-ca-seq"], "2");
    line.send(envelope({ path: "/slow", headers: { "x-ca-seq": "3" } }));
    line.send(envelope({ path: "/echo", headers: { "x-ca-seq": "4" } }));
    const order = [];
    while (order.length < 3) order.push((await answer(line)).header["x-ca-seq"]);
    assert.ok(order.indexOf("3") < order.indexOf("4"), order.join());
  });
  await check("backend: parameters of the path arrive in their place and nowhere else", async () => {
    const line = await bind(server);
    const response = await call(line, envelope({ path: "/orders/..%2F..%2Fadmin%3Fx=1" }));
    assert.equal(response.body, "POST /v1/..%2F..%2Fadmin%3Fx%3D1/lines ");
  });
  await check("backend: a function is given an object, and answers one", async () => {
    const line = await bind(server);
    const response = await call(line, envelope({ path: "/function/7", querys: { q: "8" }, body: "b" }));
    assert.deepEqual([response.status, response.header["x-made"]], [201, "1"]);
    assert.equal(response.body, "POST /function/7 7 8 b");
  });
  await check("backend: ISO-8859-1 becomes text", async () => {
    const line = await bind(server);
    assert.equal((await call(line, envelope({ path: "/latin" }))).body, "é");
  });
}
