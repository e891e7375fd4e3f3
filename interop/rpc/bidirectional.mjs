// npm jsonrpc-bidirectional: calls in both directions on one line, by its own router.

import assert from "node:assert/strict";
import { once } from "node:events";
import { check, within } from "../harness/checks.mjs";
import { load } from "../harness/tieline.mjs";

const JSONRPC = load("jsonrpc-bidirectional");
// Of the version that it was written for: a later one gives texts as bytes.
const WebSocket = load("ws5");

/** What the server may call. */
class Ours extends JSONRPC.EndpointBase {
  constructor() {
    super("both", "/both", {});
  }

  async add(_request, left, right) {
    return left + right;
  }

  async fail() {
    throw new JSONRPC.Exception("as it was told", 4711);
  }
}

async function open(server) {
  const ours = new JSONRPC.Server();
  ours.registerEndpoint(new Ours());
  for (const plugin of [new JSONRPC.Plugins.Server.AuthenticationSkip(), new JSONRPC.Plugins.Server.AuthorizeAll()]) {
    ours.addPlugin(plugin);
  }
  const router = new JSONRPC.BidirectionalWebsocketRouter(ours);
  const socket = new WebSocket(server.ws("/both"), { perMessageDeflate: false });
  await within(once(socket, "open"), "the line opens");
  const connection = router.addWebSocketSync(socket);
  const client = router.connectionIDToSingletonClient(connection, JSONRPC.Client);
  return { client, socket };
}

export async function checkBidirectional(server) {
  await check("jsonrpc-bidirectional: calls and errors of the server", async () => {
    const { client, socket } = await open(server);
    assert.deepEqual(await client.rpc("demo_echo", [1, { a: [] }]), [1, { a: [] }]);
    assert.equal(await client.rpc("demo_sum", [1, 2, 3]), 6);
    await assert.rejects(client.rpc("nothing", []), (error) => error.code === -32601);
    await assert.rejects(client.rpc("demo_fail", [42, "of its own"]), /of its own/);
    socket.close();
  });
  await check("jsonrpc-bidirectional: the server calls the client while the client calls the server", async () => {
    const { client, socket } = await open(server);
    const calls = [1, 2, 3].map((number) => client.rpc("demo_ask", ["add", [number, 10]]));
    assert.deepEqual(await Promise.all(calls), [11, 12, 13]);
    await assert.rejects(client.rpc("demo_ask", ["fail", []]), (error) => error.code === 4711);
    assert.equal(await client.rpc("demo_sum", [1]), 1);
    socket.close();
  });
}
