// The server with a plain listener and one with TLS, both of which speak HTTP/2 and HTTP/1.1.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { folder, startTieline } from "../harness/tieline.mjs";

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
path = "/echo"
service = { kind = "echo" }
compression = {}
limits = { max_message_bytes = 2097152 }

[[route]]
path = "/counter"
service = { kind = "counter" }
`;

/** Starts it; `origins` are the plain address and the one with TLS. */
export function openBoth() {
  execFileSync(fileURLToPath(new URL("../harness/certificate", import.meta.url)), [folder]);
  return startTieline({ config: CONFIG, listeners: 2 });
}
