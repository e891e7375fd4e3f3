// ethers over WebSocket, IPC and HTTP, and viem, as they follow a chain and change it.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { load } from "../harness/tieline.mjs";

const { ethers } = load("ethers");
const { createPublicClient, webSocket } = load("viem");

const TOPIC = `0x${"ab".repeat(32)}`;
/** The code of a contract whose making logs TOPIC: PUSH32 topic, PUSH1 0, PUSH1 0, LOG1. */
const LOGGING = `0x7f${"ab".repeat(32)}60006000a1`;
/** anvil's first account, whose key everybody knows. */
const KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/**
 * Clients that follow the chain and go on doing so: `blocks` are the numbers that each has heard of, by name.
 */
export function startFollowing(server, ipc) {
  const options = { staticNetwork: ethers.Network.from(31337) };
  const providers = {
    "ethers over WebSocket": new ethers.WebSocketProvider(server.ws(), 31337, options),
    "ethers over IPC": new ethers.IpcSocketProvider(ipc, 31337, options),
  };
  const clients = [];
  for (const [name, provider] of Object.entries(providers)) {
    const client = { name, blocks: [], logs: [], provider };
    provider.on("block", (number) => client.blocks.push(number));
    provider.on({ topics: [TOPIC] }, (log) => client.logs.push(log.blockNumber));
    clients.push(client);
  }
  const viem = createPublicClient({ transport: webSocket(server.ws(), { reconnect: false }) });
  const client = { name: "viem over WebSocket", blocks: [], provider: viem };
  viem.watchBlockNumber({ onBlockNumber: (number) => client.blocks.push(Number(number)), onError: console.error });
  clients.push(client);
  return clients;
}

/** Fails unless every client hears of this block, each block since `from` once and in order. */
export async function allHear(clients, from, to) {
  for (const { name, blocks } of clients) {
    await until(`${name} hears of block ${to}`, () => blocks.includes(to));
    const expected = Array.from({ length: to - from + 1 }, (_, n) => from + n);
    assert.deepEqual(blocks.filter((number) => number >= from), expected, name);
  }
}

/** Makes a contract that logs, by a transaction that `provider` sends; answers its block. */
export async function log(provider) {
  const wallet = new ethers.Wallet(KEY, provider);
  const sent = await wallet.sendTransaction({ data: LOGGING, gasLimit: 100_000 });
  return (await sent.wait()).blockNumber;
}

/** The same transaction, signed for the node itself. */
export async function signedLog(anvil) {
  const wallet = new ethers.Wallet(KEY);
  const nonce = Number(await anvil.call("eth_getTransactionCount", wallet.address, "latest"));
  const gasPrice = await anvil.call("eth_gasPrice");
  return wallet.signTransaction({ data: LOGGING, gasLimit: 100_000, nonce, gasPrice, chainId: 31337 });
}

export async function checkLibraries(server, anvil, clients) {
  await check("ethers over WebSocket and IPC and viem follow new blocks", async () => {
    // Each has subscribed once it hears of a block.
    await until("all hear of blocks", async () => {
      await anvil.mine();
      return clients.every(({ blocks }) => blocks.length > 0);
    });
    const from = (await anvil.number()) + 1;
    await anvil.mine(5);
    await allHear(clients, from, from + 4);
  });

  const following = clients.filter(({ logs }) => logs);
  for (const { name, provider } of following) {
    await check(`${name} sends a transaction, and its log is heard by all who follow logs`, async () => {
      const block = await log(provider);
      for (const { name: other, logs } of following)
        await until(`${other} hears the log`, () => logs.filter((number) => number === block).length === 1);
    });
  }

  await check("ethers over HTTP calls, sends, and finds its logs without a filter", async () => {
    const provider = new ethers.JsonRpcProvider(server.http(), 31337, { staticNetwork: true, pollingInterval: 50 });
    const heard = [];
    await provider.on({ topics: [TOPIC] }, (event) => heard.push(event.blockNumber));
    await provider.getBlockNumber();
    const block = await log(provider);
    await anvil.mine();
    await until("the log is found", () => heard.includes(block));
    provider.destroy();
  });

  await check("viem reads a block as the node has it", async () => {
    const { provider } = clients.find(({ name }) => name.startsWith("viem"));
    const block = await provider.getBlock({ blockNumber: 1n });
    assert.equal(block.hash, (await anvil.call("eth_getBlockByNumber", "0x1", false)).hash);
  });
}
