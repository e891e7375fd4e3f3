// The node behind its Unix socket, and behind HTTP.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { hearsBlock, openRpc, span } from "./node_line.mjs";

export async function checkTransports(server, anvil) {
  await check("a node behind its Unix socket is called and followed", async () => {
    const line = await openRpc(server.ws("/ipc"));
    assert.equal(await line.call("eth_chainId"), "0x7a69");
    await line.call("eth_subscribe", "newHeads");
    const from = (await anvil.number()) + 1;
    await anvil.mine(3);
    assert.deepEqual(await hearsBlock(line, from + 2), span(from, from + 2));
    line.close();
  });

  await check("a node behind HTTP is called, and subscriptions are refused", async () => {
    const line = await openRpc(server.ws("/http"));
    assert.equal(await line.call("eth_chainId"), "0x7a69");
    const { error } = await line.ask("eth_subscribe", "newHeads");
    assert.equal(error.code, -32601);
    line.close();
  });

  await check("an error of the node is passed on to the letter", async () => {
    const params = [{ to: null, data: "0xfe" }, "latest"];
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_call", params });
    const headers = { "content-type": "application/json" };
    const ask = async (url) => (await fetch(url, { method: "POST", headers, body })).text();
    const expected = await ask(anvil.url);
    assert.match(expected, /"error"/);
    for (const path of ["/", "/ipc", "/http"]) {
      assert.deepEqual(JSON.parse(await ask(server.http(path))), JSON.parse(expected));
    }
  });
}
