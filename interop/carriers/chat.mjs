// Who chats on the page: our TypeScript client, as it comes from npm.

import { Tieline } from "/sdk/index.js";

/** Opens the line that the page's query asks for, and tells what happens. */
export function open(query, hear) {
  const asked = new URLSearchParams(query);
  const url = new URL(asked.get("url") ?? "/tieline", location.origin);
  const line = new Tieline(url, JSON.parse(asked.get("options") ?? "{}"));
  const room = line.channel(asked.get("channel") ?? "chat:lobby");
  line.on("connected", ({ carrier, client }) => hear({ carrier, client, state: "connected" }));
  line.on("disconnected", () => hear({ state: "disconnected" }));
  line.on("closed", ({ error }) => hear({ state: `closed ${error?.code}` }));
  room.on("subscribed", () => hear({ state: "subscribed" }));
  room.on("publication", ({ data }) => hear({ said: data }));
  room.on("gap", ({ reason }) => hear({ gap: reason }));
  room.subscribe().catch((error) => hear({ state: `refused ${error.code}` }));
  return { say: (text) => room.publish(text).then(() => true) };
}
