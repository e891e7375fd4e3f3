// npm ws as a client of /echo: every kind of message, compression, pings, closes and refusals.

import assert from "node:assert/strict";
import { once } from "node:events";
import { check, within } from "../harness/checks.mjs";
import { closesWith, echoes, hears, MESSAGES, openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");
const PLAIN = { perMessageDeflate: false };
const LIMIT = 16 * 1024 * 1024;

const connect = (url, options = PLAIN) => openLine(new WebSocket(url, options));

export async function checkWs(server) {
  const url = server.ws("/echo");
  await checkMessages(url);
  await checkCompression(url);
  await checkCloses(url);
  await checkRefusals(server);
}

async function checkMessages(url) {
  const line = await connect(url);
  await check("ws: text, binary, empty and 1 MiB messages come back", () => echoes(line, ...MESSAGES));
  await check("ws: a message in fragments, with a ping among them, comes back whole", async () => {
    const { socket } = line;
    socket.send("three ", { fin: false });
    socket.send("frag", { fin: false });
    socket.ping("between");
    socket.send("ments", { fin: true });
    const [pong] = await within(once(socket, "pong"), "a pong");
    assert.equal(String(pong), "between");
    await hears(line, "three fragments");
  });
  await check("ws: a close with 1000 is answered with 1000", () => closesWith(line, 1000, "done"));
}

async function checkCompression(url) {
  const offers = [
    {},
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    { serverMaxWindowBits: 12, clientMaxWindowBits: true },
  ];
  for (const offer of offers) {
    await check(`ws: permessage-deflate is agreed and echoes: ${JSON.stringify(offer)}`, async () => {
      const line = await connect(url, { perMessageDeflate: { ...offer, threshold: 0 } });
      assert.equal(line.socket.extensions, "permessage-deflate");
      await echoes(line, ...MESSAGES, ...MESSAGES);
      await closesWith(line, 1000);
    });
  }
}

async function checkCloses(url) {
  for (const code of [1001, 3000, 4999]) {
    await check(`ws: a close with ${code} is answered with ${code}`, async () => {
      await closesWith(await connect(url), code, "grüße");
    });
  }
  await check("ws: a message over 16 MiB fails with 1009, and the other connections live", async () => {
    const [other, line] = [await connect(url), await connect(url)];
    await echoes(line, Buffer.alloc(LIMIT));
    line.send(Buffer.alloc(LIMIT + 1));
    assert.equal((await line.closed()).code, 1009);
    await echoes(other, "untouched");
    await closesWith(other, 1000);
  });
}

async function checkRefusals(server) {
  const url = server.ws("/echo");
  const refusals = [
    [403, "an origin that is not ours", url, { origin: "https://elsewhere.example" }],
    [403, "the origin null", url, { origin: "null" }],
    [404, "a path that is no route", server.ws("/nowhere"), {}],
  ];
  for (const [status, what, to, options] of refusals) {
    await check(`ws: ${what} gets ${status}`, async () => {
      const socket = new WebSocket(to, { ...PLAIN, ...options });
      socket.on("error", () => {});
      const [, response] = await within(once(socket, "unexpected-response"), "a refusal");
      assert.equal(response.statusCode, status);
      response.destroy();
    });
  }
}

export async function checkEnding(server) {
  await check("SIGTERM closes the connections with 1001 and ends the server with 0", async () => {
    const line = await connect(server.ws("/echo"));
    const [ended, closed] = await Promise.all([server.stop(), line.closed()]);
    assert.equal(closed.code, 1001);
    assert.equal(ended, 0);
  });
}
