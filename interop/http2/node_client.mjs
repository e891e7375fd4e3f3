// Lines over Node's own HTTP/2: ws frames them, as on any other stream.

import { once } from "node:events";
import { connect } from "node:http2";
import { within } from "../harness/checks.mjs";
import { openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");

/** Connects, and waits until the server says that CONNECT may name a protocol. */
export async function openSession(origin) {
  const session = connect(origin, { rejectUnauthorized: false });
  session.on("error", () => {});
  while (!session.remoteSettings?.enableConnectProtocol) {
    await within(once(session, "remoteSettings"), "SETTINGS_ENABLE_CONNECT_PROTOCOL");
  }
  return session;
}

/** The head of a request for a line; `more` changes it. */
export function asked(origin, path, more = {}) {
  const { host, protocol } = new URL(origin);
  return {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": protocol.slice(0, -1),
    ":authority": host,
    ":path": path,
    "sec-websocket-version": "13",
    origin,
    ...more,
  };
}

/** Sends a request; answers its stream and the head of the response. */
export async function ask(session, head, options) {
  const stream = session.request(head, options);
  const [headers] = await within(once(stream, "response"), `an answer to ${head[":method"]} ${head[":path"]}`);
  return { stream, headers };
}

/** The body of an answer. */
export async function body(stream) {
  return Buffer.concat(await within(stream.toArray(), "the whole answer")).toString();
}

/** Opens a line on a stream of the session. */
export async function openOn(session, origin, path) {
  const { stream, headers } = await ask(session, asked(origin, path), { endStream: false });
  if (headers[":status"] !== 200) throw new Error(`${path} answered ${headers[":status"]}`);
  const socket = new WebSocket(null, undefined, { autoPong: true, closeTimeout: 20_000 });
  socket._isServer = false; // Without an address ws takes itself for a server, which would not mask.
  const line = openLine(socket);
  socket.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 0, skipUTF8Validation: false });
  return Object.assign(await line, { stream });
}
