// Versions 7, 8 and 13 by the clients that speak them: ws of 2014, and the ws and websocket of today.

import assert from "node:assert/strict";
import { once } from "node:events";
import { check, within } from "../harness/checks.mjs";
import { closesWith, echoes, MESSAGES, openLine } from "../harness/line.mjs";
import { load, runClient } from "../harness/tieline.mjs";

// The deprecated calls of ws of 2014 are its own business.
process.noDeprecation = true;
const OldWebSocket = load("ws-of-2014");
const { WebSocket } = load("ws");
const { w3cwebsocket: Websocket } = load("websocket");

const VERSIONS = [7, 8, 13];

export async function checkHybi(tolerant, strict) {
  for (const version of VERSIONS) {
    await check(`ws 0.4.32 echoes as version ${version}`, () => echoesAll(oldWs(tolerant.ws("/echo"), version)));
  }
  for (const version of VERSIONS) {
    await check(`ws 8 echoes as version ${version}, also where drafts are off`, () =>
      echoesAll(newWs(strict.ws("/echo"), version)),
    );
  }
  for (const version of [8, 13]) {
    await check(`websocket echoes as version ${version}, also where drafts are off`, () =>
      echoesAll(websocket(strict.ws("/echo"), version, strict.origins[0])),
    );
  }
  await check("version 8: an origin that is not ours gets 403", () => refuses(strict.ws("/echo")));
  for (const version of ["8", "13"]) {
    await check(`our client echoes as version ${version} with a server of ws 0.4.32`, () => againstOldWs(version));
  }
}

async function echoesAll(socket) {
  const line = await openLine(socket);
  // The browser's interface of websocket drops an empty text.
  await echoes(line, ...MESSAGES.filter((message) => message.length > 0));
  await closesWith(line, 1000);
}

/** Its client speaks 8 and 13; 7 differs from 8 in nothing but the number. */
function oldWs(url, version) {
  const headers = { "Sec-WebSocket-Version": version };
  return new OldWebSocket(url, { protocolVersion: version === 13 ? 13 : 8, headers });
}

function newWs(url, version) {
  if (version !== 7) return new WebSocket(url, { protocolVersion: version, origin: originOf(url) });
  return new WebSocket(url, {
    protocolVersion: 8,
    origin: originOf(url),
    finishRequest(request) {
      request.setHeader("Sec-WebSocket-Version", "7");
      request.end();
    },
  });
}

function websocket(url, version, origin) {
  return new Websocket(url, [], origin, {}, {}, { webSocketVersion: version, maxReceivedFrameSize: 1 << 24 });
}

async function refuses(url) {
  const socket = new WebSocket(url, { protocolVersion: 8, origin: "http://elsewhere.example" });
  socket.on("error", () => {});
  const [, response] = await within(once(socket, "unexpected-response"), "a refusal");
  assert.equal(response.statusCode, 403);
}

async function againstOldWs(version) {
  const server = new OldWebSocket.Server({ host: "127.0.0.1", port: 0, disableHixie: true });
  server.on("connection", (socket) => {
    assert.equal(socket.protocolVersion, Number(version));
    socket.on("message", (data, { binary }) => socket.send(data, { binary: binary === true }));
    socket.on("error", () => {});
  });
  await once(server._server, "listening");
  try {
    const { port } = server._server.address();
    await runClient("echo", `ws://127.0.0.1:${port}/`, "--protocol-version", version);
  } finally {
    server.close();
  }
}

function originOf(url) {
  return url.replace(/^ws/, "http").replace(/\/echo$/, "");
}
