// Our TypeScript client over each of its carriers, in a hurry.

import { Tieline } from "../../web/sdk/dist/index.js";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");
const { EventSource } = load("eventsource");

/** All of them, or those that CARRIERS names. */
export const CARRIERS = process.env.CARRIERS?.split(",") ?? ["websocket", "stream", "events", "poll"];

/** How long everything may take that is waited for in a round. */
export const CALL_WITHIN_MS = 40_000;

const HURRIED = {
  baseMs: 10,
  maxMs: 150,
  connectWithinMs: 1_000,
  requestWithinMs: 500,
  silentMs: 300,
  answerWithinMs: 300,
  callWithinMs: CALL_WITHIN_MS,
  climbAfterMs: [200],
};

/** A client with these carriers, and a cookie jar of its own as a browser has one: an EventSource shows nothing else. */
export function connect(url, carriers) {
  const cookies = new Map();
  const keep = (response) => {
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }
    return response;
  };
  class EventSourceWithCookies extends EventSource {
    constructor(address) {
      const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
      super(address, {
        fetch: (where, init) => fetch(where, { ...init, headers: { ...init.headers, cookie } }),
      });
    }
  }
  return new Tieline(url, {
    ...HURRIED,
    carriers,
    WebSocket,
    EventSource: EventSourceWithCookies,
    fetch: async (...asked) => keep(await fetch(...asked)),
  });
}
