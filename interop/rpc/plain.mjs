// JSON-RPC 2.0 over WebSocket, by the bytes.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { hears } from "../harness/line.mjs";
import { answer, call, failed, openPlain } from "./plain_line.mjs";

export async function checkPlain(server) {
  await check("WebSocket: ids come back to the letter, also to a binary request", async () => {
    const line = await openPlain(server);
    for (const id of ["1", "1.50", "12345678901234567890123", '"\\u0061"', "null"]) {
      line.send(call(id, "demo_echo", [id]));
      await hears(line, answer(id, JSON.stringify([id])));
    }
    line.send(Buffer.from(call(7, "demo_echo")));
    await hears(line, answer(7, "[]"));
  });
  await check("WebSocket: faults have the codes of the protocol, and the line goes on", async () => {
    const line = await openPlain(server);
    for (const [text, id, code] of [
      ["{bad", null, -32700],
      ["[]", null, -32600],
      ['{"jsonrpc":"1.0","id":7,"method":"demo_echo"}', 7, -32600],
      ['{"jsonrpc":"2.0","id":{},"method":"demo_echo"}', null, -32600],
      [call(8, "nothing"), 8, -32601],
      [call(9, "demo_fail", [1, "denied"]), 9, -32601],
      [call(9, "demo_wait", ["no number"]), 9, -32602],
      [call(9, "m".repeat(2049)), 9, -32600],
      [call(10, "demo_echo", ["x".repeat(35_000)]), 10, -32003],
      [call(11, "eth_subscribe", ["newHeads"]), 11, -32601],
      [call(12, "demo_unsubscribe", ["0x1"]), 12, -32000],
    ]) {
      line.send(text);
      assert.deepEqual(failed(await line.next()), [id, code], text);
    }
    line.send(call(13, "demo_echo"));
    await hears(line, answer(13, "[]"));
  });
  await check("WebSocket: a batch is answered whole, and calls alone as they are done", async () => {
    const line = await openPlain(server);
    line.send(call(1, "demo_wait", [500]));
    line.send(`[${call(2, "demo_echo", [2])},{"jsonrpc":"2.0","method":"demo_echo"},${call(3, "nothing")}]`);
    const batch = JSON.parse(await line.next());
    assert.deepEqual(
      batch.map(({ id }) => id),
      [2, 3],
    );
    await hears(line, answer(1, "true"));
    line.send(`[${Array(101).fill(call(5, "demo_echo")).join()}]`);
    const [only] = JSON.parse(await line.next());
    assert.deepEqual([only.id, only.error.code, only.error.message], [5, -32600, "batch too large"]);
    const long = call(1, "demo_echo", ["x".repeat(20_000)]);
    line.send(`[${long},${long.replace('"id":1', '"id":2')}]`);
    const [fits, left] = JSON.parse(await line.next());
    assert.deepEqual([fits.id, fits.error, left.id, left.error.code], [1, undefined, 2, -32003]);
  });
  await check("WebSocket: a hundred calls at once on a line with eight places are all answered", async () => {
    const line = await openPlain(server);
    for (let id = 0; id < 100; id += 1) line.send(call(id, "demo_wait", [10]));
    const answered = new Set();
    while (answered.size < 100) answered.add(JSON.parse(await line.next()).id);
  });
  await check("WebSocket: the answer to a subscription comes before its first push, and unsubscribing ends it", async () => {
    const line = await openPlain(server);
    line.send(call(1, "demo_subscribe", ["ticks", 5]));
    const id = JSON.parse(await line.next()).result;
    assert.match(id, /^0x[1-9a-f][0-9a-f]{0,31}$/);
    for (const tick of [1, 2, 3]) {
      const push = { jsonrpc: "2.0", method: "demo_subscription", params: { subscription: id, result: tick } };
      await hears(line, JSON.stringify(push));
    }
    line.send(call(2, "demo_unsubscribe", [id]));
    for (;;) {
      const { id, result } = JSON.parse(await line.next());
      if (id === 2) {
        assert.equal(result, true);
        break;
      }
    }
    line.send(call(3, "demo_wait", [50]));
    await hears(line, answer(3, "true"));
  });
  await check("WebSocket: the server calls the client on the same line", async () => {
    const line = await openPlain(server);
    line.send(call('"mine"', "demo_ask", ["add", [1, 2]]));
    const { id, method, params } = JSON.parse(await line.next());
    assert.deepEqual([method, params], ["add", [1, 2]]);
    line.send(answer(id, "3"));
    await hears(line, answer('"mine"', "3"));
  });
  await check("WebSocket: a rate turns calls away with -32005", async () => {
    const line = await openPlain(server);
    const codes = [];
    for (let id = 0; id < 7; id += 1) {
      line.send(call(id, "demo_sum", [id]));
      codes.push(JSON.parse(await line.next()).error?.code);
    }
    assert.equal(codes.filter((code) => code === -32005).length, 2);
  });
}
