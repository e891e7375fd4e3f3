// The server as a configuration makes it: TLS beside plain HTTP, and an echo that pages from disk may use.

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
origins = ["same-origin", "null"]

[[route]]
path = "/counter"
service = { kind = "counter" }

[[route]]
path = "/chat"
service = { kind = "chat" }

[[route]]
path = "/room"
service = { kind = "room" }
`;

/** Starts it; `origins` are the plain address and the one with TLS. */
export function openToDisk() {
  execFileSync(fileURLToPath(new URL("../harness/certificate", import.meta.url)), [folder]);
  return startTieline({ config: CONFIG, listeners: 2 });
}
