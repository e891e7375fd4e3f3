// A line that comes back, over sockets made by hand and a clock that is moved by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLastingLine } from "../src/bridge/lasting_line.ts";

interface Socket {
  onopen(): void;
  onmessage(event: { data: unknown }): void;
  onclose(event: { code: number; reason: string }): void;
  sent: unknown[];
  closed: number[];
}

function scripted() {
  const sockets: Socket[] = [];
  const timers: { callback: () => void; ms: number }[] = [];
  const heard: unknown[] = [];
  let opened = 0;
  const line = createLastingLine(
    () => `ws://test/${sockets.length}`,
    {
      opened() {
        opened += 1;
      },
      message: (payload) => heard.push(payload),
    },
    {
      openSocket() {
        const sent: unknown[] = [];
        const closed: number[] = [];
        const socket = {
          onopen: () => {},
          onmessage: () => {},
          onclose: () => {},
          send: (data: unknown) => sent.push(data),
          close: (code: number) => closed.push(code),
          sent,
          closed,
        };
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      later(callback, ms) {
        const timer = { callback, ms };
        timers.push(timer);
        return () => {
          const at = timers.indexOf(timer);
          if (at >= 0) timers.splice(at, 1);
        };
      },
      random: () => 1,
    },
  );
  const socket = () => {
    const last = sockets.at(-1);
    assert(last !== undefined);
    return last;
  };
  const ring = () => timers.shift()?.callback();
  return { line, sockets, timers, heard, socket, ring, opened: () => opened };
}

test("a line that was lost comes back, each time a little later", () => {
  const { line, sockets, timers, socket, ring, opened } = scripted();
  line.connect();
  line.connect();
  assert.equal(sockets.length, 1);
  socket().onopen();
  const waits: number[] = [];
  for (let loss = 0; loss < 7; loss += 1) {
    socket().onclose({ code: 1006, reason: "" });
    assert.equal(line.state.value.kind, "waiting");
    waits.push(timers[0]?.ms ?? 0);
    ring();
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  socket().onopen();
  socket().onclose({ code: 1013, reason: "full" });
  assert.deepEqual(line.state.value, { kind: "waiting", ms: 10_000, code: 1013, reason: "full" });
  ring();
  socket().onopen();
  socket().onmessage({ data: "something" });
  socket().onclose({ code: 1001, reason: "" });
  assert.equal(timers[0]?.ms, 500, "once it has said something it begins anew");
  ring();
  socket().onopen();
  ring();
  socket().onclose({ code: 1001, reason: "" });
  assert.equal(timers[0]?.ms, 500, "as well once it was open for a while");
  assert.equal(opened(), 4);
});

test("a line that was ended stays so until somebody opens it", () => {
  for (const code of [1000, 1008, 1011, 4401]) {
    const { line, sockets, timers, socket } = scripted();
    line.connect();
    socket().onopen();
    socket().onclose({ code, reason: "why" });
    assert.deepEqual(line.state.value, { kind: "ended", code, reason: "why", wasOpen: true });
    assert.equal(timers.length, 0);
    line.connect();
    assert.equal(sockets.length, 2);
  }
});

test("a line that was never open does not try again", () => {
  const { line, timers, socket } = scripted();
  line.connect();
  socket().onclose({ code: 1006, reason: "" });
  assert.deepEqual(line.state.value, { kind: "ended", code: 1006, reason: "", wasOpen: false });
  assert.equal(timers.length, 0);
});

test("who waits may be told not to", () => {
  const { line, sockets, timers, socket } = scripted();
  line.connect();
  socket().onopen();
  socket().onclose({ code: 1006, reason: "" });
  line.connect();
  assert.deepEqual([sockets.length, timers.length], [2, 0]);
});

test("a line is renewed by another, and the old one is not heard any more", () => {
  const { line, sockets, heard, socket } = scripted();
  line.connect();
  socket().onopen();
  const old = socket();
  line.renew();
  assert.deepEqual([old.closed, sockets.length], [[1000], 2]);
  old.onmessage({ data: "old" });
  old.onclose({ code: 1000, reason: "" });
  assert.equal(line.state.value.kind, "connecting");
  socket().onopen();
  socket().onmessage({ data: "new" });
  socket().onmessage({ data: Uint8Array.of(1).buffer });
  assert.deepEqual(heard, ["new", Uint8Array.of(1)]);
});

test("nothing is sent on a line that is not open", () => {
  const { line, socket } = scripted();
  assert.equal(line.send("x"), false);
  line.connect();
  assert.equal(line.send("x"), false);
  socket().onopen();
  assert.equal(line.send("x"), true);
  line.stop();
  assert.equal(line.send("x"), false);
  assert.deepEqual([socket().sent, socket().closed], [["x"], [1000]]);
});
