// The server as a configuration makes it: TLS beside plain HTTP, an echo that pages from disk may use, and JSON-RPC.

import { startPlainAndSecure } from "../harness/listeners.mjs";

const ROUTES = `
[[route]]
path = "/echo"
service = { kind = "echo" }
compression = {}
origins = ["same-origin", "null"]

[[route]]
path = "/chat"
service = { kind = "chat" }

[[route]]
path = "/room"
service = { kind = "room" }

[[route]]
path = "/rpc"
service = { kind = "rpc", demo = true }
`;

/** Starts it; `origins` are the plain address and the one with TLS. */
export function openToDisk() {
  return startPlainAndSecure(ROUTES);
}
