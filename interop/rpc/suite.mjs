// JSON-RPC by the bytes over WebSocket, HTTP and IPC, and by the clients of npm in their own dialects.

import { finish } from "../harness/checks.mjs";
import { checkBackend } from "./backend.mjs";
import { checkBidirectional } from "./bidirectional.mjs";
import { checkHttp } from "./http.mjs";
import { checkIpc } from "./ipc.mjs";
import { checkPlain } from "./plain.mjs";
import { checkRpcWebsockets } from "./rpc_websockets.mjs";
import { checkEnding, startRpc } from "./servers.mjs";

const server = await startRpc();
await checkPlain(server);
await checkHttp(server);
await checkIpc(server);
await checkBackend(server);
await checkRpcWebsockets(server);
await checkBidirectional(server);
await checkEnding(server);
finish();
