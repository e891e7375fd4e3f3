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
  /** What is under way: the sockets of clients, and what they are for. */
  const underWay = new Map();
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
    const about = { kind: "http", path };
    underWay.set(socket, about);
    response.on("close", () => {
      if (underWay.get(socket) === about) underWay.delete(socket);
    });
    const body = Buffer.concat(await request.toArray());
    if (fate.delayMs > 0) await sleep(fate.delayMs);
    const answers = [];
    for (let time = 0; time < fate.times; time += 1) {
      const made = makeRequest({ ...target, method, path, headers, agent: false });
      answers.push(
        new Promise((resolve) => {
          made.on("response", (answer) => {
            resolve(answer);
            // Of two, the later one is heard.
            if (time < fate.times - 1) answer.resume();
          });
          made.on("error", () => resolve(undefined));
        }),
      );
      made.end(body);
      response.on("close", () => made.destroy());
    }
    const answer = await answers.at(-1);
    if (!answer) return fail(socket, fate);
    answer.on("error", () => socket.destroy());
    if (fate.bytes === 0) {
      answer.destroy();
      return fail(socket, fate);
    }
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    let left = fate.bytes;
    const timer = fate.forMs < Infinity ? setTimeout(stop, fate.forMs) : undefined;
    function stop() {
      left = 0;
      clearTimeout(timer);
      answer.destroy();
      fail(socket, fate);
    }
    answer.on("data", (chunk) => {
      if (left > 0) response.write(chunk.subarray(0, Math.min(chunk.length, left)));
      left -= chunk.length;
      if (left <= 0) stop();
    });
    answer.on("end", () => {
      clearTimeout(timer);
      if (left > 0) response.end();
    });
    answer.on("close", () => {
      clearTimeout(timer);
      if (left > 0 && !answer.complete) socket.destroy();
    });
  }

  function fail(socket, fate) {
    if (fate.isSwallowed) troubled.add(socket);
    else socket.destroy();
  }

  async function line(request, socket, head) {
    const fate = judge({ kind: "websocket", path: request.url });
    if (fate.times === 0) return fail(socket, fate);
    const upstream = connect(target);
    underWay.set(socket, { kind: "websocket", path: request.url });
    sockets.add(upstream);
    const both = [socket, upstream];
    let isOver = false;
    for (const [one, other] of [both, [...both].reverse()]) {
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        underWay.delete(one);
        other.destroy();
      });
      let passing = Promise.resolve();
      one.on("data", (chunk) => {
        passing = passing.then(async () => {
          if (fate.delayMs > 0) await sleep(fate.delayMs);
          if (!isOver) other.write(chunk);
        });
      });
      one.on("end", () => {
        passing = passing.then(() => {
          if (!isOver) other.end();
        });
      });
    }
    const names = request.rawHeaders.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `)).join("");
    upstream.write(`${request.method} ${request.url} HTTP/1.1\r\n${names}\r\n`);
    upstream.write(head);
    if (fate.forMs === Infinity) return;
    await sleep(fate.forMs);
    isOver = true;
    fail(socket, fate);
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    /** Cuts what is under way of this kind. */
    cut(isMeant) {
      for (const [socket, about] of underWay) if (isMeant(about)) socket.destroy();
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
