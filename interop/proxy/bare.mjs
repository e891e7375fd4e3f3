// A client of one's own, byte by byte.

import { connect } from "node:net";
import { within } from "../harness/checks.mjs";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** The head of a request for a line. */
export function head(path, host) {
  return (
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`
  );
}

/** A short text as a client sends it, masked with zeroes. */
export function text(words) {
  return Buffer.concat([Buffer.from([0x81, 0x80 | words.length, 0, 0, 0, 0]), Buffer.from(words)]);
}

/** Connects, sends bytes in one write, and answers the socket with `read`, which waits for what it names. */
export async function open(proxy, bytes) {
  const { hostname, port } = new URL(proxy.origins[0]);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  let heard = Buffer.alloc(0);
  let wake = () => {};
  const ended = new Promise((resume) => socket.once("close", () => resume(heard)));
  socket.on("data", (data) => {
    heard = Buffer.concat([heard, data]);
    wake();
  });
  socket.once("close", () => wake());
  socket.write(bytes);
  return {
    socket,
    /** Everything, once the other side has ended the connection. */
    ended: () => within(ended, "the end of the connection"),
    /** Everything so far, once these bytes are in it. */
    async until(bytes) {
      const found = async () => {
        while (!heard.includes(bytes)) {
          if (socket.destroyed) throw new Error(`the connection ended after ${JSON.stringify(String(heard))}`);
          await new Promise((resume) => (wake = resume));
        }
        return heard;
      };
      return within(found(), `${bytes}`);
    },
  };
}
