// What is known of each connection, put together from its events.

import type { End, FrameEvent, InspectEvent } from "./events.ts";
import { ending } from "./rows.ts";

/** A connection, as far as it was seen. */
export interface Summary {
  readonly number: number;
  /** Its two addresses, the client's first, where they are known. */
  readonly ends: string;
  /** How long the server took to answer the SYN, in seconds. */
  readonly tcp: number | undefined;
  /** What became of its handshake. */
  readonly handshake: string;
  readonly protocol: string | undefined;
  readonly extensions: string;
  readonly frames: Readonly<Record<End, number>>;
  /** Round trips of pings, in seconds. */
  readonly trips: { readonly count: number; readonly least: number; readonly sum: number };
  readonly errors: number;
  readonly gaps: number;
  readonly closed: string | undefined;
}

/** A connection of which nothing was seen. */
export function unseen(number: number): Summary {
  return {
    number,
    ends: "",
    tcp: undefined,
    handshake: "not seen",
    protocol: undefined,
    extensions: "",
    frames: { client: 0, server: 0 },
    trips: { count: 0, least: Number.POSITIVE_INFINITY, sum: 0 },
    errors: 0,
    gaps: 0,
    closed: undefined,
  };
}

/** What is known with one more event. */
export function withEvent(summary: Summary, event: InspectEvent): Summary {
  switch (event.event) {
    case "frame":
      return withFrame(summary, event);
    case "gap":
      return { ...summary, gaps: summary.gaps + 1 };
    case "request": {
      const handshake = event.error ?? `${event.draft}, not answered`;
      return { ...summary, handshake, errors: summary.errors + (event.error === null ? 0 : 1) };
    }
    case "response": {
      const { error, accept_right, upgraded, status, protocol, extensions } = event;
      const isWrong = error !== null || accept_right === false;
      const accept = accept_right === false ? ", with a wrong accept value" : "";
      const handshake = error ?? (upgraded ? `upgraded${accept}` : `refused with ${status}`);
      return {
        ...summary,
        handshake,
        protocol: protocol ?? undefined,
        extensions: extensions.join(", "),
        errors: summary.errors + (isWrong ? 1 : 0),
      };
    }
    case "closed":
      return { ...summary, closed: ending(event) };
    case "connection": {
      const { client, server, syn, syn_ack } = event;
      const tcp = syn === null || syn_ack === null ? undefined : syn_ack - syn;
      return { ...summary, ends: `${client} → ${server}`, tcp };
    }
    case "end":
      return { ...summary, closed: "no WebSocket" };
    case "note":
    case "other":
      return summary;
  }
}

/** The round trips of a connection in words; undefined where there were none. */
export function formatTrips({ trips }: Summary): string | undefined {
  if (trips.count === 0) return undefined;
  const ms = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
  return `${trips.count}, ${ms(trips.least)} at least, ${ms(trips.sum / trips.count)} on average`;
}

function withFrame(summary: Summary, event: FrameEvent): Summary {
  const { from, round_trip: trip } = event;
  const { trips, frames } = summary;
  return {
    ...summary,
    frames: { ...frames, [from]: frames[from] + 1 },
    errors: summary.errors + (event.error === undefined ? 0 : 1),
    trips:
      trip === undefined
        ? trips
        : {
            count: trips.count + 1,
            least: Math.min(trips.least, trip),
            sum: trips.sum + trip,
          },
  };
}
