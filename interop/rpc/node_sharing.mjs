// What a hundred clients cost the node, and what is never asked of it.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { hearsBlock, openRpc, span } from "./node_line.mjs";

const CLIENTS = 100;

export async function checkSharing(server, anvil, proxy) {
  const lines = await Promise.all(Array.from({ length: CLIENTS }, () => openRpc(server.ws())));

  await check("a hundred clients subscribe to newHeads, and the node counts one eth_subscribe on one line", async () => {
    const ids = await Promise.all(lines.map((line) => line.call("eth_subscribe", "newHeads")));
    assert.equal(new Set(ids).size, CLIENTS);
    assert.equal(proxy.asked("eth_subscribe"), 1);
    assert.equal(proxy.connections(), 1);
  });

  await check("each of the hundred hears each block once, in order", async () => {
    const first = (await anvil.number()) + 1;
    await anvil.mine(5);
    for (const line of lines) assert.deepEqual(await hearsBlock(line, first + 4), span(first, first + 4));
  });

  await check("the same filter, written in two ways, is one subscription to logs", async () => {
    const before = proxy.asked("eth_subscribe");
    const address = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
    const [one, other] = lines;
    const ids = [
      await one.call("eth_subscribe", "logs", { address, topics: [] }),
      await other.call("eth_subscribe", "logs", { topics: [], address: address.toLowerCase() }),
    ];
    assert.equal(proxy.asked("eth_subscribe") - before, 1);
    assert.equal(await one.call("eth_unsubscribe", ids[0]), true);
    assert.equal(proxy.asked("eth_unsubscribe"), 0);
    assert.equal(await other.call("eth_unsubscribe", ids[1]), true);
    await until("the logs are unsubscribed at the node", () => proxy.asked("eth_unsubscribe") === 1);
  });

  await check("answers go to who asked, whatever the ids: a thousand calls of a hundred clients on one line", async () => {
    const asked = lines.flatMap((line, n) =>
      span(1, 10).map(async (m) => {
        const address = `0x${(n * 100 + m).toString(16).padStart(40, "0")}`;
        await anvil.call("anvil_setBalance", address, `0x${(n * 100 + m).toString(16)}`);
        return [Number(await line.call("eth_getBalance", address, "latest")), n * 100 + m];
      }),
    );
    for (const [got, expected] of await Promise.all(asked)) assert.equal(got, expected);
    assert.equal(proxy.connections(), 1);
  });

  await check("a filter is refused with what to use instead, and the node never hears of it", async () => {
    const { error } = await lines[0].ask("eth_newFilter", {});
    assert.equal(error.code, -32601);
    assert.match(error.message, /use eth_subscribe or eth_getLogs/);
    assert.equal(proxy.asked("eth_newFilter"), 0);
  });

  await check("the last of the hundred leaves, and the node counts one eth_unsubscribe more", async () => {
    const before = proxy.asked("eth_unsubscribe");
    lines.slice(1).forEach((line) => line.close());
    await lines[0].call("eth_chainId");
    assert.equal(proxy.asked("eth_unsubscribe"), before);
    lines[0].close();
    await until("newHeads is unsubscribed at the node", () => proxy.asked("eth_unsubscribe") === before + 1);
  });
}
