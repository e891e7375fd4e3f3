// hixie-75, of which no packaged client was found, by the bytes its clients sent.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { check, until } from "../harness/checks.mjs";

export async function checkHixie75(tolerant, strict) {
  await check("hixie-75: the head of the answer is the draft's, letter for letter", async () => {
    const wire = openWire(tolerant.port, request(tolerant, "/echo"));
    assert.equal(await wire.head(), answer(tolerant, "/echo"));
    wire.end();
  });
  await check("hixie-75: text comes back, also when it comes octet by octet", async () => {
    const wire = await open(tolerant, "/echo");
    for (const text of ["hello", "", "grüße, 世界, 🦀"]) {
      const frame = framed(text);
      for (const octet of frame) wire.write(Buffer.of(octet));
      assert.deepEqual(await wire.read(frame.length), frame);
    }
    wire.end();
  });
  await check("hixie-75: a frame with a length is skipped, and FF 00 ends nothing", async () => {
    const wire = await open(tolerant, "/echo");
    wire.write(Buffer.concat([Buffer.of(0x80, 0x85, 0x02), Buffer.alloc(642, "x")]));
    wire.write(Buffer.of(0xff, 0x00));
    wire.write(framed("a"));
    assert.deepEqual(await wire.read(3), framed("a"));
    wire.end();
  });
  await check("hixie-75: the chat welcomes it and lets it speak", async () => {
    const wire = await open(tolerant, "/chat");
    wire.write(framed("hello"));
    for (const expected of ["Welcome, 127.0.0.1 !", "127.0.0.1:hello"].map(framed)) {
      assert.deepEqual(await wire.read(expected.length), expected);
    }
    wire.end();
  });
  await check("hixie-75: a page of another origin gets 403", async () => {
    const wire = openWire(tolerant.port, request(tolerant, "/echo", "http://elsewhere.example"));
    assert.match(await wire.head(), /^HTTP\/1\.1 403 /);
    wire.end();
  });
  await check("hixie-75: is refused with an HTTP error where drafts are off", async () => {
    const wire = openWire(strict.port, request(strict, "/echo"));
    assert.match(await wire.head(), /^HTTP\/1\.1 4\d\d /);
    wire.end();
  });
}

async function open(server, path) {
  const wire = openWire(server.port, request(server, path));
  assert.match(await wire.head(), /^HTTP\/1\.1 101 /);
  return wire;
}

function framed(text) {
  return Buffer.concat([Buffer.of(0x00), Buffer.from(text), Buffer.of(0xff)]);
}

function request(server, path, origin = server.origins[0]) {
  const { host } = new URL(server.origins[0]);
  const start = `GET ${path} HTTP/1.1`;
  const lines = [start, "Upgrade: WebSocket", "Connection: Upgrade", `Host: ${host}`, `Origin: ${origin}`];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function answer(server, path) {
  return [
    "HTTP/1.1 101 Web Socket Protocol Handshake",
    "Upgrade: WebSocket",
    "Connection: Upgrade",
    `WebSocket-Origin: ${server.origins[0]}`,
    `WebSocket-Location: ${server.ws(path)}`,
    "\r\n",
  ].join("\r\n");
}

/** A raw connection, on which a request was sent. */
function openWire(port, head) {
  const socket = connect(port, "127.0.0.1");
  let heard = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    heard = Buffer.concat([heard, bytes]);
  });
  socket.on("error", () => {});
  socket.setNoDelay(true);
  socket.write(head);
  const take = (length) => {
    const taken = heard.subarray(0, length);
    heard = heard.subarray(length);
    return taken;
  };
  return {
    write: (bytes) => socket.write(bytes),
    end: () => socket.destroy(),
    read: async (length) => take(await until(`${length} bytes`, () => heard.length >= length && length)),
    async head() {
      const end = await until("a head", () => heard.indexOf("\r\n\r\n") + 1);
      return String(take(end + 3));
    },
  };
}
