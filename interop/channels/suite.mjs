// The native line: every fixture against the running server, and our TypeScript client with it.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { finish } from "../harness/checks.mjs";
import { folder, startTieline, write } from "../harness/tieline.mjs";
import { checkAccess, SECRET, TOKENS } from "./access.mjs";
import { closeAll } from "./clients.mjs";
import { checkDevices, OPERATOR_KEY } from "./devices.mjs";
import { checkFixtures } from "./fixtures.mjs";
import { checkLosses } from "./losses.mjs";
import { checkUse } from "./use.mjs";

rmSync(join(folder, "store"), { recursive: true, force: true });
write("tokens", TOKENS);
write("jwt.secret", SECRET);
write("operator.key", `${OPERATOR_KEY}\n`);
const config = (port) => `
[[listener]]
address = "127.0.0.1:${port}"

[operator]
address = "127.0.0.1:0"
api_key_file = "operator.key"

[store]
path = "${folder}/store"

[namespace.chat]
history = 1000
presence = true
join_leave = true
publish = "all"

[namespace.news]
history = 5
patterns = true
publish = "all"

[namespace.many]
history = 10000
publish = "all"

[namespace.kept]
history = 1000
durability = "disk"
publish = "all"

[namespace.mine]
history = 10
publish = "right"
subscribe = "right"

[[route]]
path = "/tieline"
service = { kind = "channels", keep_session = "20s", methods = "/rpc", devices = {} }

[[route]]
path = "/rpc"
service = { kind = "rpc", demo = true }

[[route]]
path = "/mine"
service = { kind = "channels" }
access = { kind = "token", file = "tokens" }

[[route]]
path = "/signed"
service = { kind = "channels" }
access = { kind = "jwt", algorithms = ["HS256"], secret_file = "jwt.secret", leeway = "0s" }
`;

const server = await startTieline({ config: config(0), listeners: 2 });
await checkFixtures(server);
for (const carrier of ["websocket", "stream", "poll"]) {
  await checkUse(server, carrier);
  await checkDevices(server, carrier);
}
await checkAccess(server);
await checkLosses(server, () => startTieline({ config: config(server.port) }));
closeAll();
finish();
