// Ways that can be cut: what is open ends as a lost network ends it, and nothing new gets through.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeverable, type Ways } from "../src/channels/severable.ts";

interface Listening {
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  close(code?: number): void;
}

/** Ways of a browser that go nowhere, and write down what is done with them. */
function openWays() {
  const done: string[] = [];
  class Socket {
    onclose = null;
    constructor(url: string) {
      done.push(`open ${url}`);
    }
    close(code: number) {
      done.push(`close ${code}`);
    }
  }
  const fetch = (_: unknown, init: RequestInit) =>
    new Promise((_, reject) => {
      done.push("fetch");
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  const ways = { WebSocket: Socket, EventSource: Socket, fetch } as unknown as Ways;
  return { done, severable: createSeverable(ways) };
}

function openSocket(severable: ReturnType<typeof createSeverable>) {
  const Socket = severable.ways.WebSocket as new (url: string, protocols: string[]) => Listening;
  const socket = new Socket("ws://here/", []);
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  return { socket, closed };
}

test("a socket that is cut is lost to its client, and its session is not over for the server", async () => {
  const { done, severable } = openWays();
  const { closed } = openSocket(severable);
  severable.cut();
  assert.equal(await closed, 1006);
  assert.deepEqual(done, ["open ws://here/", "close 4000"]);
});

test("while it is cut no socket is opened; afterwards one is", async () => {
  const { done, severable } = openWays();
  severable.cut();
  assert.equal(await openSocket(severable).closed, 1006);
  assert.deepEqual(done, []);
  severable.restore();
  openSocket(severable);
  assert.deepEqual(done, ["open ws://here/"]);
});

test("a socket that its client has closed is not closed once more", () => {
  const { done, severable } = openWays();
  openSocket(severable).socket.close(1000);
  severable.cut();
  assert.deepEqual(done, ["open ws://here/", "close 1000"]);
});

test("requests that are under way fail when they are cut, and no others are made", async () => {
  const { done, severable } = openWays();
  const asked = severable.ways.fetch("http://here/");
  severable.cut();
  await assert.rejects(asked, TypeError);
  await assert.rejects(severable.ways.fetch("http://here/"), TypeError);
  assert.deepEqual(done, ["fetch"]);
});
