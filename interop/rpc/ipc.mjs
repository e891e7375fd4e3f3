// JSON-RPC 2.0 over a Unix socket, by the bytes.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { check, within } from "../harness/checks.mjs";
import { answer, call, failed } from "./plain_line.mjs";

/** Connects; `next` is the next line. */
async function open(server) {
  const socket = connect(server.ipc);
  await within(once(socket, "connect"), "the socket opens");
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async () => (await within(lines.next(), "a line")).value;
  return { socket, next };
}

export async function checkIpc(server) {
  await check("IPC: calls that are glued, on many lines or cut anywhere are each answered on a line", async () => {
    const { socket, next } = await open(server);
    const first = call(1, "demo_echo", ["}{"]);
    const second = JSON.stringify(JSON.parse(call(2, "demo_echo", [{ a: '"' }])), null, 2);
    const bytes = Buffer.from(`${first}${second}${call(3, "demo_echo")}`);
    for (const byte of bytes) socket.write(Buffer.from([byte]));
    assert.equal(await next(), answer(1, '["}{"]'));
    const { id, result } = JSON.parse(await next());
    assert.deepEqual([id, result], [2, [{ a: '"' }]]);
    assert.equal(await next(), answer(3, "[]"));
    socket.destroy();
  });
  await check("IPC: an answer has one line end, whatever the call looked like", async () => {
    const { socket, next } = await open(server);
    socket.write('{"jsonrpc":"2.0","id":1,"method":"demo_echo","params":[\n1,\r\n"\\n"\n]}');
    socket.end();
    assert.equal(await next(), answer(1, '[1,"\\n"]'));
    assert.equal(await next(), undefined);
  });
  await check("IPC: subscriptions push, and the server calls the client", async () => {
    const { socket, next } = await open(server);
    socket.write(call(1, "demo_subscribe", ["ticks", 5]));
    const id = JSON.parse(await next()).result;
    assert.deepEqual(JSON.parse(await next()).params, { subscription: id, result: 1 });
    socket.write(call(2, "demo_unsubscribe", [id]));
    socket.write(call(3, "demo_ask", ["add", [1, 2]]));
    for (;;) {
      const said = JSON.parse(await next());
      if (said.method === "add") {
        socket.write(answer(said.id, "3"));
      } else if (said.id === 3) {
        assert.equal(said.result, 3);
        break;
      }
    }
    socket.destroy();
  });
  await check("IPC: what is no JSON is answered -32700 and the line goes on; a value above its limit ends it", async () => {
    const { socket, next } = await open(server);
    socket.write(`bad\n${call(1, "demo_echo")}`);
    assert.deepEqual(failed(await next()), [null, -32700]);
    assert.equal(await next(), answer(1, "[]"));
    socket.on("error", () => {});
    socket.write("[".repeat(70_000));
    assert.equal(await next(), undefined);
  });
}
