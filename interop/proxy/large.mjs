// A message of 1 GiB through the proxy, there and back, and one that nobody reads.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { head, open } from "./bare.mjs";
import { residentMiB } from "./memory.mjs";

const SIZE = 2 ** 30;
const PIECE = Buffer.alloc(1 << 20, "tieline!");
const MOST_MIB = 16;

export async function checkLarge({ proxy, raw }) {
  await check("a message of 1 GiB goes there and back in constant memory", async () => {
    raw.large.connection = echo;
    const { line, socket } = await openLarge(proxy);
    const before = await residentMiB(proxy.pid);
    let most = before;
    let got = 0;
    const whole = new Promise((resume) => {
      socket.removeAllListeners("data");
      socket.on("data", async (data) => {
        got += data.length;
        if (got === SIZE + 10) resume();
      });
    });
    socket.write(header(0x80));
    for (let sent = 0; sent < SIZE; sent += PIECE.length) {
      if (!socket.write(PIECE)) await new Promise((resume) => socket.once("drain", resume));
      most = Math.max(most, await residentMiB(proxy.pid));
    }
    await whole;
    most = Math.max(most, await residentMiB(proxy.pid));
    console.log(`       resident before ${before.toFixed(1)} MiB, at most ${most.toFixed(1)} MiB while it passed`);
    assert.ok(most - before < MOST_MIB, `${most - before} MiB more than before`);
    line.socket.destroy();
  });
  await check("an upstream that does not read stops the client, and costs nothing", async () => {
    let upstream;
    raw.large.connection = (socket) => (upstream = socket);
    const { line, socket } = await openLarge(proxy);
    const before = await residentMiB(proxy.pid);
    socket.write(header(0x80));
    let sent = 0;
    // Until the client's own socket takes nothing more.
    while (socket.write(PIECE) || (await drained(socket))) {
      sent += PIECE.length;
      assert.ok(sent < SIZE / 4, "a quarter of a gigabyte has vanished somewhere");
    }
    const grown = (await residentMiB(proxy.pid)) - before;
    assert.ok(grown < MOST_MIB, `${grown} MiB more than before`);
    let read = 0;
    upstream.on("data", (data) => (read += data.length));
    upstream.resume();
    await until("what was stuck arrives", () => read >= sent);
    line.socket.destroy();
  });
}

/** Whether a socket takes more within half a second: the kernel's buffers are the only judge of that. */
function drained(socket) {
  return Promise.race([
    new Promise((resume) => socket.once("drain", () => resume(true))),
    new Promise((resume) => setTimeout(() => resume(false), 500)),
  ]);
}

async function openLarge(proxy) {
  const line = await open(proxy, head("/raw/large", new URL(proxy.origins[0]).host));
  await line.until("\r\n\r\n");
  return { line, socket: line.socket };
}

/** The head of a binary frame of that size; a client's is masked, with zeroes. */
function header(mask) {
  const bytes = Buffer.alloc(mask ? 14 : 10);
  bytes[0] = 0x82;
  bytes[1] = mask | 127;
  bytes.writeBigUInt64BE(BigInt(SIZE), 2);
  return bytes;
}

/** Sends the payload back as it comes. */
function echo(socket) {
  let skip = 14;
  socket.on("data", (data) => {
    if (skip === 14) socket.write(header(0));
    const payload = data.subarray(Math.min(skip, data.length));
    skip -= data.length - payload.length;
    if (payload.length > 0 && !socket.write(payload)) {
      socket.pause();
      socket.once("drain", () => socket.resume());
    }
  });
  socket.resume();
}
