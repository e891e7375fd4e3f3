// Who talks to whom while it is captured. Each answers once it has said all, and closed.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startChromium } from "../browser/browsers.mjs";
import { within } from "../harness/checks.mjs";
import { folder, load, start } from "../harness/tieline.mjs";
import { openHixie76 } from "../legacy/hixie76_line.mjs";

const { WebSocket, WebSocketServer } = load("ws");
const OldWebSocket = load("ws-of-2014");
const here = new URL(".", import.meta.url).pathname;
const python = join(folder, "venv/bin/python");
const script = join(here, "websockets_talk.py");

/** Long enough for each of the three forms of a length. */
const MESSAGES = ["Hello", "Hello", "", "grüße, 世界, 🦀. ".repeat(20), "y".repeat(70_000)];

/** npm ws against a server that sends everything back. */
export async function npmWs(url, options = {}) {
  const line = new WebSocket(url, options);
  await once(line, "open");
  const heard = [];
  line.on("message", (message) => heard.push(message));
  const hears = async (message) => {
    while (heard.length === 0) await within(once(line, "message"), "a message");
    assert.deepEqual(heard.shift(), Buffer.from(message));
  };
  for (const message of MESSAGES) {
    line.send(message);
    await hears(message);
  }
  for (const message of [Buffer.alloc(126), Buffer.from([...Array(256).keys()]), Buffer.alloc(0)]) {
    line.send(message);
    await hears(message);
  }
  line.send("in ", { fin: false });
  line.ping("a ping between");
  line.send("three ", { fin: false, binary: false });
  line.send("fragments");
  await hears("in three fragments");
  // Many at once: several frames in a segment.
  for (let count = 0; count < 20; count += 1) line.send(`message ${count}`);
  for (let count = 0; count < 20; count += 1) await hears(`message ${count}`);
  line.close(4000, "all is said");
  await within(once(line, "close"), "the close");
}

/** A server of npm ws that sends everything back, and its port. */
export async function npmWsServer() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: { threshold: 0 } });
  await once(server, "listening");
  server.on("connection", (line) => line.on("message", (message, binary) => line.send(message, { binary })));
  return { port: server.address().port, stop: () => server.close() };
}

/** PyPI websockets as a client. */
export async function websockets(url) {
  const child = start(python, [script, "client", url], { stdio: "inherit" });
  const [code] = await within(once(child, "exit"), "the client of websockets ends");
  assert.equal(code, 0);
}

/** A server of PyPI websockets for one line, which it sends everything back on, and its port. */
export async function websocketsServer() {
  const child = start(python, [script, "server"], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value } = await within(lines.next(), "the server of websockets listens");
  return { port: Number(value), stop: () => child.kill("SIGTERM") };
}

/** A page of the server's in Chromium. */
export async function chromium(server) {
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    await page.goto(server.http("/healthz"));
    await page.evaluate(
      async ({ url, messages }) => {
        const line = new WebSocket(url);
        line.binaryType = "arraybuffer";
        const next = (kind) => new Promise((resolve) => line.addEventListener(kind, resolve, { once: true }));
        await next("open");
        for (const message of messages) {
          line.send(message);
          await next("message");
        }
        line.send(new Uint8Array(300).map((_, at) => at));
        await next("message");
        line.close(3000, "the page is left");
        await next("close");
      },
      { url: server.ws("/echo"), messages: MESSAGES },
    );
  } finally {
    await browser.close();
  }
}

/** What was a text to MD5 when ws 0.4.32 was written: a byte for each letter. It answers the challenge so. */
function asNodeOf2014() {
  const { createHash } = crypto;
  crypto.createHash = (name, ...options) => {
    const hash = createHash(name, ...options);
    if (name !== "md5") return hash;
    const update = hash.update.bind(hash);
    hash.update = (data, encoding = "latin1") => update(data, encoding);
    return hash;
  };
}

/** A server of npm ws 0.4.32 for hixie-76 that sends everything back: its port, and what it says it heard and said. */
export async function hixie76Server() {
  asNodeOf2014();
  const server = new OldWebSocket.Server({ host: "127.0.0.1", port: 0 });
  const log = { heard: [], said: [] };
  server.on("connection", (line) => {
    assert.equal(line.protocolVersion, "hixie-76");
    line.on("message", (message) => {
      log.heard.push(message);
      log.said.push(message);
      line.send(message);
    });
  });
  await once(server._server, "listening");
  return { port: server._server.address().port, log, stop: () => server.close() };
}

/** What the hixie-76 client said to the echo, was told by it, and how it ended. */
export async function hixie76(url) {
  const line = await openHixie76(url);
  const [said, heard] = [[], []];
  for (const text of ["hello", "", "grüße, 世界, 🦀", "x".repeat(300)]) {
    line.send(text);
    said.push(text);
    heard.push(await line.next());
  }
  return { said, heard, closed: await line.close() };
}
