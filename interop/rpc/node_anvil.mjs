// anvil, a node that mines when it is told to, and a proxy in front of it that counts what it is asked.

import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { until } from "../harness/checks.mjs";
import { folder, load, start } from "../harness/tieline.mjs";

const { WebSocket, WebSocketServer } = load("ws");
const program = join(folder, "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts it with a new chain; after its end, `start` starts it again at the same place. */
export async function startAnvil({ ipc } = {}) {
  const port = await freePort();
  const state = join(folder, "anvil.json");
  rmSync(state, { force: true });
  const url = `http://127.0.0.1:${port}`;
  let child;
  let ended;

  async function call(method, ...params) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "content-type": "application/json" };
    const answer = await (await fetch(url, { method: "POST", headers, body })).json();
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  }
  const anvil = {
    url,
    ws: url.replace("http", "ws"),
    call,
    /** Mines a number of blocks, one after the other. */
    async mine(blocks = 1) {
      for (let n = 0; n < blocks; n += 1) await call("evm_mine");
    },
    number: async () => Number(await call("eth_blockNumber")),
    async start() {
      const where = ["--host", "127.0.0.1", "--port", String(port), ...(ipc ? ["--ipc", ipc] : [])];
      child = start(program, [...where, "--silent", "--state", state], { stdio: "ignore" });
      ended = new Promise((resolve) => child.once("exit", resolve));
      await until("anvil answers", () => call("eth_chainId").catch(() => false));
    },
    /** Has it begin with a new chain when it is started again. */
    forget: () => rmSync(state, { force: true }),
    /** Ends it, and waits for that: SIGKILL as a crash does, SIGTERM so that it writes its state. */
    async stop(signal) {
      child.kill(signal);
      await ended;
    },
  };
  await anvil.start();
  return anvil;
}

/** A proxy for WebSockets to `target` that can be shut, and counts what is asked through it by method. */
export async function startProxy(target) {
  const asked = new Map();
  let server;
  let port = 0;
  let connections = 0;

  function carry(near) {
    connections += 1;
    const far = new WebSocket(target, { perMessageDeflate: false });
    const early = [];
    near.on("message", (data) => {
      const text = data.toString();
      const { method } = JSON.parse(text);
      asked.set(method, (asked.get(method) ?? 0) + 1);
      if (far.readyState === WebSocket.OPEN) far.send(text);
      else early.push(text);
    });
    far.on("open", () => early.splice(0).forEach((text) => far.send(text)));
    far.on("message", (data) => near.send(data.toString()));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      one.on("close", () => other.terminate());
      one.on("error", () => other.terminate());
    }
  }
  const proxy = {
    get url() {
      return `ws://127.0.0.1:${port}`;
    },
    /** How often a method was asked for. */
    asked: (method) => asked.get(method) ?? 0,
    connections: () => connections,
    async open() {
      server = new WebSocketServer({ host: "127.0.0.1", port });
      server.on("connection", carry);
      await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
      ({ port } = server.address());
    },
    /** Breaks all lines, and takes no new ones. */
    async shut() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await proxy.open();
  return proxy;
}
