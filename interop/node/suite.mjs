// npm ws and websocket, as clients of ours and as servers for our client, and plain HTTP by Node itself.

import { finish } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { checkHttp } from "./http.mjs";
import { checkOurClient } from "./our_client.mjs";
import { checkWebsocket } from "./websocket_client.mjs";
import { checkEnding, checkWs } from "./ws_client.mjs";

const server = await startTieline();
await checkWs(server);
await checkWebsocket(server);
await checkHttp(server);
await checkOurClient();
await checkEnding(server);
finish();
