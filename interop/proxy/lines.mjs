// npm ws as a client through the proxy, and what happens to its lines when the proxy stops.

import assert from "node:assert/strict";
import { once } from "node:events";
import { check, until, within } from "../harness/checks.mjs";
import { closesWith, echoes, hears, MESSAGES, openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");
const PLAIN = { perMessageDeflate: false };

export const connect = (url, protocols = [], options = PLAIN) => openLine(new WebSocket(url, protocols, options));

export async function checkLines(proxy, name) {
  const url = proxy.ws(`/${name}`);
  await check(`ws through to ${name}: text, binary, empty and 1 MiB messages come back`, async () => {
    const line = await connect(url);
    assert.equal(line.socket.extensions, "");
    await echoes(line, ...MESSAGES);
    await closesWith(line, 1000);
  });
  await check(`ws through to ${name}: a message in fragments, with a ping among them`, async () => {
    const line = await connect(url);
    line.socket.send("three ", { fin: false });
    line.socket.ping("between");
    line.socket.send("fragments", { fin: true });
    const [pong] = await within(once(line.socket, "pong"), "a pong");
    assert.equal(String(pong), "between");
    await hears(line, "three fragments");
    await closesWith(line, 1000);
  });
  await check(`ws through to ${name}: permessage-deflate is agreed on by both ends`, async () => {
    const line = await connect(url, [], { perMessageDeflate: { threshold: 0 } });
    assert.match(line.socket.extensions, /permessage-deflate/);
    await echoes(line, ...MESSAGES);
    await closesWith(line, 1000);
  });
  await check(`ws through to ${name}: the upstream chooses the subprotocol`, async () => {
    const line = await connect(url, ["first", "second"]);
    assert.equal(line.socket.protocol, "second");
    await echoes(line, "spoken");
    await closesWith(line, 1000);
  });
  await check(`ws through to ${name}: a close code and its reason go there and back`, async () => {
    const line = await connect(url);
    line.socket.close(4321, "enough");
    const { code } = await line.closed();
    assert.equal(code, 4321);
  });
  if (name === "tieline") return;
  await check(`ws through to ${name}: the upstream's close comes with its code and reason`, async () => {
    const line = await connect(url);
    line.send("bye");
    assert.deepEqual(await line.closed(), { code: 4002, reason: "as told" });
  });
}

export async function checkEnding({ proxy, ws }) {
  await check("SIGTERM closes the lines with 1001 on both sides, and ends the proxy with 0", async () => {
    const lines = [await connect(proxy.ws("/ws")), await connect(proxy.ws("/ws/below"))];
    for (const line of lines) await echoes(line, "still here");
    ws.closed.length = 0;
    const [ended, ...closed] = await Promise.all([proxy.stop(), ...lines.map((line) => line.closed())]);
    assert.equal(ended, 0);
    for (const { code } of closed) assert.equal(code, 1001);
    await until("the upstream hears of both", () => ws.closed.length === 2);
    for (const { code } of ws.closed) assert.equal(code, 1001);
  });
}
