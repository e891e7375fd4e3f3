// A proxy that does to each exchange, and to each WebSocket, what its judge says: passes it on, delays, doubles, cuts or
// swallows it.

import { createServer, request as makeRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What becomes of an HTTP exchange: `times` it is made (0 to 2), after `delayMs`; of the answer, `bytes` come through, for
 * `forMs`; then it is cut, or where it `isSwallowed` nothing more is heard of it.
 *
 * What becomes of a WebSocket: it is refused (`times` 0), or lives `forMs`, each piece `delayMs` late.
 */
export const PASS = { times: 1, delayMs: 0, bytes: Infinity, forMs: Infinity, isSwallowed: false };

/**
 * Starts it before a port of this machine. `judge` is asked `{ kind: "http" | "websocket", path }`; `pages` answers
 * `{ type, body }` for what is not to be asked of the server.
 */
export async function startProxy(port, judge, pages = () => undefined) {
  const target = { host: "127.0.0.1", port };
  /** The client's sockets whose exchanges are in trouble. */
  const troubled = new Set();
  /** What is under way. */
  const underWay = new Set();
  const sockets = new Set();

  const server = createServer((request, response) => {
    exchange(request, response).catch(() => request.socket.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request, socket, head) => {
    line(request, socket, head).catch(() => socket.destroy());
  });

  async function exchange(request, response) {
    const { url: path, method, headers, socket } = request;
    const page = pages(new URL(path, origin).pathname);
    if (page) {
      response.writeHead(200, { "content-type": page.type, "cache-control": "no-store" });
      response.end(page.body);
      return;
    }
    const fate = judge({ kind: "http", path });
    const over = new AbortController();
    response.on("close", () => over.abort());
    begin({ kind: "http", path, socket, over }, fate);
    const body = Buffer.concat(await request.toArray());
    if (fate.delayMs > 0) await sleep(fate.delayMs);
    const answers = Array.from({ length: fate.times }, () => {
      const made = makeRequest({ ...target, method, path, headers, agent: false });
      over.signal.addEventListener("abort", () => made.destroy());
      made.end(body);
      return new Promise((resolve) => {
        made.on("response", resolve);
        made.on("error", () => resolve(undefined));
      });
    });
    // Of two, the later one is heard.
    for (const unheard of answers.slice(0, -1)) unheard.then((answer) => answer?.on("error", () => {}).resume());
    const answer = await answers.at(-1);
    if (over.signal.aborted) return;
    if (!answer || fate.bytes === 0) return fail(socket, over, fate);
    answer.on("error", () => {
      if (!over.signal.aborted) socket.destroy();
    });
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    let left = fate.bytes;
    answer.on("data", (chunk) => {
      if (over.signal.aborted) return;
      response.write(chunk.subarray(0, Math.min(chunk.length, left)));
      left -= chunk.length;
      if (left <= 0) fail(socket, over, fate);
    });
    answer.on("end", () => {
      if (!over.signal.aborted) response.end();
    });
  }

  async function line(request, socket, head) {
    const path = request.url;
    const fate = judge({ kind: "websocket", path });
    const over = new AbortController();
    if (fate.times === 0) return fail(socket, over, fate);
    const upstream = connect(target);
    sockets.add(upstream);
    upstream.on("close", () => sockets.delete(upstream));
    const both = [socket, upstream];
    for (const [one, other] of [both, [...both].reverse()]) {
      let passing = Promise.resolve();
      /** Does it in the order in which it came, if there is still a line by then. */
      const pass = (deed) => {
        passing = passing.then(async () => {
          if (fate.delayMs > 0) await sleep(fate.delayMs);
          if (!over.signal.aborted) deed();
        });
      };
      one.on("error", () => {});
      one.on("data", (chunk) => pass(() => other.write(chunk)));
      one.on("end", () => pass(() => other.end()));
      one.on("close", () => {
        over.abort();
        other.destroy();
      });
    }
    begin({ kind: "websocket", path, socket, over }, fate);
    const names = request.rawHeaders.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `)).join("");
    upstream.write(`${request.method} ${path} HTTP/1.1\r\n${names}\r\n`);
    upstream.write(head);
  }

  /** Takes note of what is under way, until it is over, or its time is. */
  function begin(about, fate) {
    underWay.add(about);
    const timer = fate.forMs < Infinity ? setTimeout(() => fail(about.socket, about.over, fate), fate.forMs) : undefined;
    about.over.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      underWay.delete(about);
    });
  }

  /** From now on nothing of it passes: it is cut, or nothing is heard of it any more. */
  function fail(socket, over, { isSwallowed }) {
    over.abort();
    if (isSwallowed) troubled.add(socket);
    else socket.destroy();
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    /** Cuts what is under way of this kind, or swallows it. */
    cut(isMeant = () => true, { isSwallowed = false } = {}) {
      for (const about of underWay) if (isMeant(about)) fail(about.socket, about.over, { isSwallowed });
    },
    /** What was swallowed is cut after all. */
    release() {
      for (const socket of troubled) socket.destroy();
      troubled.clear();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
