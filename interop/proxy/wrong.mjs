// Upstreams that answer wrong, late, or not at all.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";
import { ACCEPT, head, open, text } from "./bare.mjs";

const { WebSocket } = load("ws");

export async function checkWrong({ proxy, raw }) {
  for (const [path, status, what] of [
    ["wrong-accept", 502, "a 101 with another accept"],
    ["no-upgrade", 502, "a 101 without Upgrade"],
    ["unasked-protocol", 502, "a subprotocol that was not offered"],
    ["unasked-extension", 502, "an extension that was not offered"],
    ["200", 502, "200"],
    ["garbage", 502, "what is not HTTP"],
    ["dies", 502, "a connection that ends"],
    ["silent", 504, "nothing"],
    ["426", 426, "426"],
    ["401", 401, "401"],
  ]) {
    await check(`an upstream that answers an upgrade with ${what} is ${status} to the client`, async () => {
      assert.equal((await refused(proxy.ws(`/raw/${path}`))).status, status);
    });
  }
  await check("a refusal comes with its headers and its body, of which 64 KiB are handed on", async () => {
    const { headers, body } = await refused(proxy.ws("/raw/401"));
    assert.equal(headers["www-authenticate"], 'Basic realm="x"');
    assert.equal(body, "who are you?\n");
    assert.equal((await refused(proxy.ws("/raw/401-large"))).body.length, 64 << 10);
  });
  await check("where nobody listens it is 502, and 503 once that was tried three times", async () => {
    const statuses = [];
    for (let time = 0; time < 4; time += 1) statuses.push((await refused(proxy.ws("/nobody"))).status);
    assert.deepEqual(statuses, [502, 502, 502, 503]);
  });
  await check("bytes behind both heads come through, in their order", async () => {
    const host = new URL(proxy.origins[0]).host;
    const line = await open(proxy, Buffer.concat([Buffer.from(head("/raw/pipelined", host)), text("eager")]));
    const heard = await line.until("eager");
    assert.match(String(heard), new RegExp(`sec-websocket-accept: ${ACCEPT.replace("+", "\\+")}`, "i"));
    assert.ok(heard.indexOf("early") > 0 && heard.indexOf("early") < heard.indexOf("eager"));
    line.socket.destroy();
  });
  await check("after a refused upgrade nothing more is read as a request, on either side", async () => {
    const before = raw.seen.length;
    const host = new URL(proxy.origins[0]).host;
    const smuggled = `GET /raw/401 HTTP/1.1\r\nHost: ${host}\r\nX-Smuggled: yes\r\n\r\n`;
    const line = await open(proxy, head("/raw/426", host) + smuggled);
    const heard = String(await line.ended());
    assert.equal(heard.match(/HTTP\/1\.1 /g).length, 1);
    assert.match(heard, /^HTTP\/1\.1 426 /);
    assert.equal(raw.seen.length, before + 1);
    assert.doesNotMatch(raw.seen.slice(before).join(), /smuggled/i);
  });
  await check("an upstream that dies between two frames is 1014 to the client", async () => {
    const line = await openLine(new WebSocket(proxy.ws("/raw/dies-later")));
    line.send("die");
    assert.equal((await line.closed()).code, 1014);
  });
  await check("one that dies within a frame is a lost line, 1006", async () => {
    const line = await openLine(new WebSocket(proxy.ws("/raw/dies-within")));
    line.send("die");
    assert.equal((await line.closed()).code, 1006);
  });
  await check("a page of another site gets 403, and the upstream is not asked", async () => {
    const before = raw.seen.length;
    const { status } = await refused(proxy.ws("/raw/426"), { origin: "https://elsewhere.example" });
    assert.equal(status, 403);
    assert.equal(raw.seen.length, before);
  });
  await check("a client that goes takes its upstream's connection with it", async () => {
    const before = raw.seen.length;
    const line = await openLine(new WebSocket(proxy.ws("/raw/pipelined")));
    line.socket.terminate();
    await until("the upstream's connection", () => raw.seen.length === before + 1);
  });
}

/** The answer instead of a line. */
function refused(url, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, options);
    socket.on("open", () => reject(new Error("the line opened")));
    socket.on("error", reject);
    socket.on("unexpected-response", async (_, response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode, headers: response.headers, body });
    });
  });
}
