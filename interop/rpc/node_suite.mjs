// A node, anvil, behind the server: ethers and viem follow its chain, share its lines, and outlive its end.

import { join } from "node:path";
import { finish } from "../harness/checks.mjs";
import { folder, startTieline } from "../harness/tieline.mjs";
import { startAnvil, startProxy } from "./node_anvil.mjs";
import { checkLibraries, startFollowing } from "./node_libraries.mjs";
import { checkReturning } from "./node_returning.mjs";
import { checkSharing } from "./node_sharing.mjs";
import { checkTransports } from "./node_transports.mjs";

const ipc = join(folder, "tieline.ipc");
const nodeIpc = join(folder, "anvil.ipc");

const anvil = await startAnvil({ ipc: nodeIpc });
const proxy = await startProxy(anvil.ws);
const upstream = (url, more = "") =>
  `service = { kind = "rpc", upstream = { url = "${url}", longest_wait = "1s"${more} } }`;
const server = await startTieline({
  config: `
[[listener]]
address = "127.0.0.1:0"

[[listener]]
ipc = "${ipc}"
route = "/"

[[route]]
path = "/"
${upstream(proxy.url)}

[[route]]
path = "/ipc"
${upstream(`unix:${nodeIpc}`, `, on_gap = "close"`)}

[[route]]
path = "/http"
${upstream(anvil.url)}
`,
});

await checkSharing(server, anvil, proxy);
await checkTransports(server, anvil);
const clients = startFollowing(server, ipc);
await checkLibraries(server, anvil, clients);
await checkReturning(server, anvil, proxy, clients);
finish();
