// Requests that are no WebSocket handshake, or a broken one, by Node's own HTTP client.

import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { check, within } from "../harness/checks.mjs";

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

export async function checkHttp(server) {
  await check("HTTP: / is a page", async () => {
    const { status, headers, body } = await ask(server.http("/"));
    assert.equal(status, 200);
    assert.match(headers["content-type"], /^text\/html/);
    assert.match(body, /<html/i);
  });
  await check("HTTP: /healthz says 200", async () => assert.equal((await ask(server.http("/healthz"))).status, 200));
  await check("HTTP: a path that is no route says 404, with an upgrade and without", async () => {
    assert.equal((await ask(server.http("/nowhere"))).status, 404);
    assert.equal((await ask(server.http("/nowhere"), UPGRADE)).status, 404);
  });
  await check("HTTP: /echo without an upgrade gets an ordinary answer that says what is missing", async () => {
    const { status, headers } = await ask(server.http("/echo"));
    assert.equal(status, 426);
    assert.match(headers.upgrade, /^websocket$/i);
  });
  for (const version of ["12", "14", "0", "thirteen"]) {
    await check(`HTTP: version ${version} gets 426 with the versions that are spoken`, async () => {
      const { status, headers } = await ask(server.http("/echo"), { ...UPGRADE, "Sec-WebSocket-Version": version });
      assert.equal(status, 426);
      assert.equal(headers["sec-websocket-version"], "13, 8, 7");
    });
  }
  await check("HTTP: an upgrade without a key, or with one that is not 16 bytes, gets 400", async () => {
    const { "Sec-WebSocket-Key": _, ...keyless } = UPGRADE;
    assert.equal((await ask(server.http("/echo"), keyless)).status, 400);
    assert.equal((await ask(server.http("/echo"), { ...UPGRADE, "Sec-WebSocket-Key": "c2hvcnQ=" })).status, 400);
  });
  await check("HTTP: the key of the RFC's example gets the RFC's answer", async () => {
    const { status, headers } = await ask(server.http("/echo"), UPGRADE);
    assert.equal(status, 101);
    assert.equal(headers["sec-websocket-accept"], ACCEPT);
    assert.equal(headers["sec-websocket-extensions"], undefined);
    assert.equal(headers["sec-websocket-protocol"], undefined);
  });
  await check("HTTP: a connection kept alive serves two pages and then an upgrade", () => keptAlive(server));
}

async function keptAlive(server) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  for (const path of ["/", "/healthz"]) {
    const { status, localPort } = await ask(server.http(path), {}, agent);
    assert.equal(status, 200);
    ports.add(localPort);
  }
  const { status, localPort } = await ask(server.http("/echo"), UPGRADE, agent);
  assert.equal(status, 101);
  ports.add(localPort);
  assert.equal(ports.size, 1);
  agent.destroy();
}

/** Asks once and answers what came; an upgraded connection is dropped. */
function ask(url, headers = {}, agent = undefined) {
  const answer = new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent });
    const localPort = () => asked.socket.localPort;
    asked.on("upgrade", (response, socket) => {
      const upgraded = { status: response.statusCode, headers: response.headers, localPort: localPort() };
      socket.destroy();
      resolve(upgraded);
    });
    asked.on("response", async (response) => {
      const head = { status: response.statusCode, headers: response.headers, localPort: localPort() };
      const chunks = await response.toArray();
      resolve({ ...head, body: Buffer.concat(chunks).toString() });
    });
    asked.on("error", reject);
    asked.end();
  });
  return within(answer, `an answer from ${url}`);
}
