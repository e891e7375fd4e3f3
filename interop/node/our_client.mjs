// Our client against servers made with ws and websocket.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { check } from "../harness/checks.mjs";
import { load, runClient } from "../harness/tieline.mjs";

const { WebSocketServer } = load("ws");
const { server: WebsocketServer } = load("websocket");

export async function checkOurClient() {
  await check("our client against ws, plain", () => againstWs({}));
  await check("our client, when it insists on compression, turns away from ws without", () =>
    assert.rejects(againstWs({}, "--deflate")),
  );
  await check("our client against ws, with a subprotocol", () => againstWs({}, "--subprotocol", "superchat"));
  const settings = [
    {},
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    { threshold: 0 },
  ];
  for (const deflate of settings) {
    await check(`our client against ws, permessage-deflate ${JSON.stringify(deflate)}`, () =>
      againstWs({ perMessageDeflate: deflate }, "--deflate"),
    );
  }
  await check("our client against websocket, which answers in fragments", () => againstWebsocket());
  await check("our client against websocket, as version 8", () => againstWebsocket("--protocol-version", "8"));
}

async function againstWs(options, ...flags) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  try {
    await runClient("echo", `ws://127.0.0.1:${server.address().port}/`, ...flags);
  } finally {
    server.close();
  }
}

async function againstWebsocket(...flags) {
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const limits = { maxReceivedFrameSize: 1 << 24, maxReceivedMessageSize: 1 << 24 };
  const server = new WebsocketServer({ httpServer: http, autoAcceptConnections: true, ...limits });
  server.on("connect", (socket) => {
    socket.on("message", ({ type, utf8Data, binaryData }) => {
      if (type === "utf8") socket.sendUTF(utf8Data);
      else socket.sendBytes(binaryData);
    });
  });
  try {
    await runClient("echo", `ws://127.0.0.1:${http.address().port}/`, ...flags);
  } finally {
    server.shutDown();
    http.close();
  }
}
