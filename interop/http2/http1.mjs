// A line over HTTP/1.1, to meet those over HTTP/2 at the same service.

import { openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");

export function openByHttp1(origin, path) {
  const url = origin.replace(/^http/, "ws") + path;
  return openLine(new WebSocket(url, { origin, rejectUnauthorized: false, perMessageDeflate: false }));
}

/** Waits for the counter to say this. */
export async function hearsOf(line, type, number) {
  for (;;) {
    const news = JSON.parse(await line.next());
    if (news.type === type && (news.value ?? news.count) === number) return;
  }
}
