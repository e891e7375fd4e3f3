// The server whose routes speak JSON-RPC in three ways, with methods to try a client with.

import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { startBackend } from "./backend.mjs";
import { openPlain } from "./plain_line.mjs";

// In the folder for temporary files: the path of a socket is short.
const IPC = join(tmpdir(), `tieline-rpc-${process.pid}.ipc`);

const CONFIG = `
[[listener]]
address = "127.0.0.1:0"

[[listener]]
ipc = "${IPC}"
route = "/rpc"

[[route]]
path = "/rpc"
[route.service]
kind = "rpc"
demo = true
deny = ["demo_fail"]
limits = { max_batch = 100, max_answer_bytes = 30000, max_body_bytes = 65536, max_in_flight = 8 }
[[route.service.rate]]
methods = ["demo_sum"]
calls = 5
within = "1h"

[[backend]]
name = "shop"
url = "BACKEND"
timeout = "1s"
retries = 0
max_answer_bytes = 10000

[[route]]
path = "/shop"
service = { kind = "rpc", backend = { name = "shop", path = "/calls", methods = ["shop_*"] } }

[[route]]
path = "/events"
[route.service]
kind = "rpc"
demo = true
dialect = "rpc_websockets"
[route.service.rpc_websockets]
events = ["feed", "news"]
protected_events = ["secret"]
protected_methods = ["demo_sum"]

[[route]]
path = "/both"
[route.service]
kind = "rpc"
demo = true
dialect = "jsonrpc_bidirectional"
`;

/** Starts it; `ipc` is the path of its socket. */
export async function startRpc() {
  const backend = await startBackend();
  const server = await startTieline({ config: CONFIG.replace("BACKEND", backend.url) });
  return { ...server, ipc: IPC, backend };
}

export async function checkEnding(server) {
  await check("SIGTERM closes the lines with 1001, ends the server with 0 and takes its socket away", async () => {
    assert.equal(statSync(server.ipc).mode & 0o777, 0o600);
    const line = await openPlain(server);
    const [ended, closed] = await Promise.all([server.stop(), line.closed()]);
    assert.equal(ended, 0);
    assert.equal(closed.code, 1001);
    assert.ok(!existsSync(server.ipc));
  });
}
