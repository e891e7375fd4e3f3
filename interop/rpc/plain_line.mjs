// A line of plain JSON-RPC over WebSocket, by npm ws.

import { openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");

export function openPlain(server, path = "/rpc") {
  return openLine(new WebSocket(server.ws(path), { perMessageDeflate: false }));
}

/** A call as text. `id` is JSON as it is to be written. */
export function call(id, method, params = []) {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}`;
}

/** What is answered to a call that goes well; both are JSON as they are written. */
export function answer(id, result) {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** The id and the code of an answer that is an error. */
export function failed(text) {
  const { id, error } = JSON.parse(text);
  return [id, error.code];
}
