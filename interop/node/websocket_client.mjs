// npm websocket as a client of /echo.

import { check } from "../harness/checks.mjs";
import { closesWith, echoes, MESSAGES, openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";

const { w3cwebsocket: WebSocket } = load("websocket");

export async function checkWebsocket(server) {
  const url = server.ws("/echo");
  await check("websocket: text, binary and 1 MiB messages, the last in fragments, come back", async () => {
    const line = await openLine(new WebSocket(url, [], server.origins[0]));
    // Its browser's interface drops an empty text.
    await echoes(line, ...MESSAGES.filter((message) => message.length > 0));
    await closesWith(line, 1000);
  });
  await check("websocket: a close with 3000 is answered with 3000", async () => {
    await closesWith(await openLine(new WebSocket(url)), 3000, "its own");
  });
}
