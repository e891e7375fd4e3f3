// A client socket with the browser's interface, from whatever library, as something to wait on.

import assert from "node:assert/strict";
import { within } from "./checks.mjs";

/** Waits until the socket is open; what comes on it waits in order until `next` takes it. */
export async function openLine(socket) {
  const line = lineOf(socket);
  await within(line.opened, "the line opens");
  return line;
}

function lineOf(socket) {
  socket.binaryType = "arraybuffer";
  const heard = [];
  const asked = [];
  const closed = new Promise((resolve) => {
    socket.onclose = (event) => resolve({ code: event.code, reason: String(event.reason ?? "") });
  });
  const opened = new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = (event) => reject(new Error(event?.message ?? event?.data ?? "the line does not open"));
    closed.then(({ code }) => reject(new Error(`closed with ${code} instead of being open`)));
  });
  opened.catch(() => {});
  socket.onmessage = ({ data }) => {
    if (asked.length > 0) asked.shift()(data);
    else heard.push(data);
  };
  const next = () =>
    heard.length > 0 ? Promise.resolve(heard.shift()) : new Promise((resolve) => asked.push(resolve));
  return {
    socket,
    opened,
    /** What the socket's close event says. */
    closed: () => within(closed, "the line closes"),
    next: () => within(next(), "a message"),
    send: (message) => socket.send(message),
  };
}

/** Fails unless the next messages are these. */
export async function hears(line, ...expected) {
  for (const message of expected) assert.deepEqual(comparable(await line.next()), comparable(message));
}

/** Sends each message and waits for it to come back. */
export async function echoes(line, ...messages) {
  for (const message of messages) {
    line.send(message);
    await hears(line, message);
  }
}

// Libraries give bytes as a Buffer or as an ArrayBuffer.
function comparable(message) {
  return typeof message === "string" ? message : Buffer.from(message);
}

/** Closes a line and fails unless it ends with this code. */
export async function closesWith(line, code, reason = "") {
  line.socket.close(code, reason);
  assert.equal((await line.closed()).code, code);
}

/** What the suites send: text beyond ASCII, nothing, every byte, and more than fits into one frame or read. */
export const MESSAGES = ["grüße, 世界, 🦀", "", Buffer.from([...Array(256).keys()]), "x".repeat(1 << 20)];
