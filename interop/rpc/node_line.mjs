// A client of JSON-RPC with nothing around it: calls by id, and all notifications in their order.

import { until } from "../harness/checks.mjs";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");

/** Opens a line; `heard` fills with the notifications. */
export async function openRpc(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const calls = new Map();
  const line = {
    heard: [],
    /** The code that it was closed with. */
    closed: undefined,
    /** The whole answer to a call. */
    ask(method, ...params) {
      const id = calls.size + 1;
      return new Promise((resolve) => {
        calls.set(id, resolve);
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      });
    },
    /** The result of a call that goes well. */
    async call(method, ...params) {
      const { result, error } = await line.ask(method, ...params);
      if (error) throw new Error(`${method}: ${error.code} ${error.message}`);
      return result;
    },
    /** The numbers of the blocks it heard of, in that order. */
    blocks: () =>
      line.heard.filter(({ params }) => params.result?.parentHash).map(({ params }) => Number(params.result.number)),
    gaps: () => line.heard.filter(({ method }) => method === "tieline_gap").map(({ params }) => params),
    close: () => socket.terminate(),
  };
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    if ("id" in message) calls.get(message.id)?.(message);
    else line.heard.push(message);
  });
  socket.on("close", (code) => (line.closed = code));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return line;
}

/** Waits until the line has heard of this block, and answers all that it heard of. */
export async function hearsBlock(line, number) {
  await until(`block ${number} is heard of`, () => line.blocks().includes(number));
  return line.blocks();
}

/** The whole numbers from one to another, both included. */
export const span = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
