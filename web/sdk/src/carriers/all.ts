// The carriers there are, best first.

import type { CarrierName, OpenCarrier, Tools } from "./carrier.ts";
import { openEvents } from "./events.ts";
import { openPoll } from "./poll.ts";
import { openStream } from "./stream.ts";
import { openWebSocket } from "./websocket.ts";

interface Known {
  readonly name: CarrierName;
  readonly open: OpenCarrier;
  canBeUsed(tools: Tools): boolean;
}

const CARRIERS: readonly Known[] = [
  { name: "websocket", open: openWebSocket, canBeUsed: (tools) => tools.WebSocket !== undefined },
  { name: "stream", open: openStream, canBeUsed: (tools) => tools.fetch !== undefined },
  {
    name: "events",
    open: openEvents,
    canBeUsed: (tools) => tools.fetch !== undefined && tools.EventSource !== undefined,
  },
  { name: "poll", open: openPoll, canBeUsed: (tools) => tools.fetch !== undefined },
];

/** Those of these names that can be used here, best first. */
export function usable(names: readonly CarrierName[], tools: Tools): CarrierName[] {
  const known = CARRIERS.filter(({ name }) => names.includes(name));
  return known.filter(({ canBeUsed }) => canBeUsed(tools)).map(({ name }) => name);
}

/** How to open the carrier of this name. */
export function opener(name: CarrierName): OpenCarrier {
  const known = CARRIERS.find((carrier) => carrier.name === name);
  if (!known) throw new Error(`no carrier is named ${name}`);
  return known.open;
}
