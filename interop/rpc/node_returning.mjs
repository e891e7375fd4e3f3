// The node is lost, killed and started again, and the clients go on.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { allHear, signedLog } from "./node_libraries.mjs";
import { hearsBlock, openRpc, span } from "./node_line.mjs";

export async function checkReturning(server, anvil, proxy, clients) {
  const following = clients.filter(({ logs }) => logs);
  const plain = await openRpc(server.ws());
  const subscription = await plain.call("eth_subscribe", "newHeads");
  assert.equal(await plain.call("tieline_gaps"), true);
  const strict = await openRpc(server.ws("/ipc"));
  await strict.call("eth_subscribe", "newHeads");

  await check("blocks and logs that came while the line was cut are told afterwards, once and in order", async () => {
    const from = (await anvil.number()) + 1;
    await proxy.shut();
    await anvil.mine(2);
    await anvil.call("eth_sendRawTransaction", await signedLog(anvil));
    const logged = from + 2;
    await until("the log is mined", async () => (await anvil.number()) === logged);
    await anvil.mine(2);
    await proxy.open();
    const to = await anvil.number();
    await allHear(clients, from, to);
    for (const { name, logs } of following) {
      await until(`${name} hears the log`, () => logs.includes(logged));
      assert.equal(logs.filter((number) => number === logged).length, 1, name);
    }
    assert.deepEqual(plain.gaps(), []);
  });

  await check("anvil is stopped and comes back with its chain: all go on under the same ids", async () => {
    const from = (await anvil.number()) + 1;
    await anvil.stop("SIGTERM");
    await anvil.start();
    assert.equal(await anvil.number(), from - 1, "anvil has kept its chain");
    await anvil.mine(3);
    await allHear(clients, from, from + 2);
    assert.deepEqual(plain.gaps(), []);
    for (const { params } of plain.heard) assert.equal(params.subscription, subscription);
    const heard = await hearsBlock(strict, from + 2);
    assert.deepEqual(heard, span(heard[0], from + 2));
    assert.equal(strict.closed, undefined);
  });

  await check("what is sent while anvil is dead is refused at once, what is read waits for it", async () => {
    const sends = proxy.asked("eth_sendRawTransaction");
    await anvil.stop("SIGKILL");
    anvil.forget();
    await until("the line is lost", async () => {
      const { error } = await plain.ask("eth_sendRawTransaction", "0x00");
      return error.code === -32000 && /was not sent/.test(error.message);
    });
    const reads = plain.call("eth_chainId");
    await anvil.start();
    assert.equal(await reads, "0x7a69");
    // Those that met the last moments of the line were sent once, and those after it never.
    assert.ok(proxy.asked("eth_sendRawTransaction") - sends <= 1);
  });

  await check("another chain than before is told as a gap, and followed", async () => {
    await until("the gap is told", () => plain.gaps().length > 0);
    const gap = plain.gaps().at(-1);
    assert.equal(gap.subscription, subscription);
    assert.equal(gap.reason, "chain");
    plain.heard.length = 0;
    for (const client of clients) client.blocks.length = 0;
    const from = (await anvil.number()) + 1;
    await anvil.mine(3);
    await until("the new chain is followed", () => plain.blocks().includes(from + 2));
    assert.deepEqual(plain.blocks(), span(from, from + 2));
    await allHear(clients, from, from + 2);
  });

  await check("where the route says so, a client that misses something is closed with 1013", async () => {
    await until("it is closed", () => strict.closed !== undefined);
    assert.equal(strict.closed, 1013);
  });
}
