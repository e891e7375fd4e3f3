// Our TypeScript client, and what its tests wait for.

import { Tieline } from "../../web/sdk/dist/index.js";
import { until, within } from "../harness/checks.mjs";
import { load } from "../harness/tieline.mjs";

/** The WebSocket of npm `ws`; its sockets can be cut. */
export const { WebSocket } = load("ws");

const clients = new Set();

/** A client that comes back at once; `cut` ends its line as a network does. */
export function connect(url, options = {}) {
  const sockets = new Set();
  const heard = [];
  class Cuttable extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.add(this);
      this.addEventListener("message", ({ data }) => heard.push(JSON.parse(data)));
      this.addEventListener("close", () => sockets.delete(this));
    }
  }
  const client = new Tieline(url, { WebSocket: Cuttable, baseMs: 20, maxMs: 200, ...options });
  clients.add(client);
  client.on("closed", () => clients.delete(client));
  return Object.assign(client, {
    events: record(client, ["connecting", "connected", "disconnected", "closed"]),
    /** What came by WebSocket. */
    heard,
    cut() {
      for (const socket of sockets) socket.terminate();
    },
  });
}

/** Closes every client that is left. */
export function closeAll() {
  for (const client of clients) client.close();
}

/** A channel, with all that it has told so far. */
export function follow(client, name) {
  const channel = client.channel(name);
  const events = record(channel, ["publication", "gap", "join", "leave", "subscribed", "unsubscribed", "error"]);
  return Object.assign(channel, {
    events,
    told: (kind) => events.filter((event) => event.kind === kind).map((event) => event.event),
    data: () => events.filter(({ kind }) => kind === "publication").map(({ event }) => event.data),
  });
}

/** Waits until a channel has told so many publications, and answers what was in them. */
export async function heard(channel, count) {
  await until(`${count} publications of ${channel.name}`, () => channel.data().length >= count);
  return channel.data();
}

/** The next event of this name. */
export function next(emitter, name) {
  let off;
  const event = new Promise((resolve) => {
    off = emitter.on(name, resolve);
  });
  return within(event, `the event ${name}`).finally(() => off());
}

function record(emitter, names) {
  const events = [];
  for (const kind of names) emitter.on(kind, (event) => events.push({ kind, event }));
  return events;
}
