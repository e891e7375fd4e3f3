// The server with a plain listener and one with TLS, and what a page in a browser needs of it.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { folder, startTieline } from "./tieline.mjs";

const CERTIFICATE = fileURLToPath(new URL("certificate", import.meta.url));

const CONFIG = `
[[listener]]
address = "127.0.0.1:0"

[[listener]]
address = "127.0.0.1:0"
tls = { certificate = "certificate.pem", key = "key.pem" }

[[route]]
path = "/"
page = { kind = "console" }

[[route]]
path = "/counter"
service = { kind = "counter" }
`;

/**
 * Starts it with the console, the counter and these routes (TOML text); `origins` are the plain address and the one
 * with TLS.
 */
export function startPlainAndSecure(routes) {
  execFileSync(CERTIFICATE, [folder]);
  return startTieline({ config: CONFIG + routes, listeners: 2 });
}
