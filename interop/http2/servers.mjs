// The server whose two listeners both speak HTTP/2 and HTTP/1.1.

import { startPlainAndSecure } from "../harness/listeners.mjs";

const ROUTES = `
[[route]]
path = "/echo"
service = { kind = "echo" }
compression = {}
limits = { max_message_bytes = 2097152 }
`;

/** Starts it; `origins` are the plain address and the one with TLS. */
export function openBoth() {
  return startPlainAndSecure(ROUTES);
}
