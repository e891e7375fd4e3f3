// Requests written by hand: what no browser would send, and what one would if it were made to.

import { once } from "node:events";
import { connect } from "node:net";
import { within } from "../harness/checks.mjs";

/** Sends one request, and answers the status of what comes. */
export async function statusOf(port, line, headers) {
  const socket = connect(port, "127.0.0.1");
  const lines = [line, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), "", ""];
  socket.write(lines.join("\r\n"));
  const answer = await within(once(socket.setEncoding("latin1"), "data"), line);
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer[0])?.[1]);
}

/** The headers that ask for a WebSocket. */
export const UPGRADE = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
