// What the server tells of a connection, one event a line: as `tieline inspect --json` has it.

import { parseObject } from "../json.ts";

/** An end of a connection. */
export type End = "client" | "server";

/** A window of permessage-deflate. */
interface Window {
  readonly bits: number;
  readonly context_takeover: boolean;
}

interface Timed {
  /** Seconds since the beginning of 1970. */
  readonly time: number;
  /** Which connection of a capture; of a line that is watched there is one. */
  readonly connection?: number;
}

/** A frame, and what comes of it. */
export interface FrameEvent extends Timed {
  readonly event: "frame";
  readonly from: End;
  /** Where it begins, in bytes of its direction. */
  readonly offset: number;
  /** Its header in hexadecimal, as it lay on the wire. */
  readonly head: string;
  readonly fin?: boolean;
  /** RSV1–3 as a number, RSV1 the highest of its three bits. */
  readonly rsv?: number;
  readonly opcode?: number;
  /** The key in hexadecimal; null where the payload is not masked. */
  readonly mask?: string | null;
  /** What its opcode is called. */
  readonly name: string;
  /** Bytes of its payload, as announced. */
  readonly length: number;
  /** The payload in hexadecimal, unmasked: all of it, or its beginning. */
  readonly payload: string;
  /** How many bytes of it are there, where that is not all. */
  readonly kept?: number;
  /** The message that is whole with it; null where more of it is to come. */
  readonly message?: { readonly text?: string; readonly hex?: string } | null;
  readonly close?: { readonly code: number; readonly reason: string };
  readonly control?: string;
  readonly cut_off?: { readonly missing: number | null };
  /** Why its message cannot be shown. */
  readonly unread?: string;
  readonly error?: { readonly what: string; readonly code: number };
  /** Of a pong, seconds since its ping. */
  readonly round_trip?: number;
}

/** A request to upgrade. */
export interface RequestEvent extends Timed {
  readonly event: "request";
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly draft: string;
  readonly version: number | null;
  readonly protocols: readonly string[];
  readonly extensions: readonly string[];
  readonly error: string | null;
}

/** The answer to one. */
export interface ResponseEvent extends Timed {
  readonly event: "response";
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly upgraded: boolean;
  readonly accept_right: boolean | null;
  readonly protocol: string | null;
  readonly extensions: readonly string[];
  readonly deflate: { readonly client: Window; readonly server: Window } | null;
  readonly error: string | null;
}

/** Bytes that are missing. */
export interface GapEvent extends Timed {
  readonly event: "gap";
  readonly from: End;
  readonly bytes: number;
}

/** Something that explains what else there is to see. */
export interface NoteEvent extends Timed {
  readonly event: "note";
  readonly note: string;
  readonly from?: End | null;
}

/** The end of a connection, as far as it was seen. */
export interface ClosedEvent extends Timed {
  readonly event: "closed";
  readonly clean: boolean;
  readonly code: number;
  readonly began: End | null;
  readonly client: { readonly code: number; readonly reason: string } | null;
  readonly server: { readonly code: number; readonly reason: string } | null;
  readonly end: string;
  readonly by: End | null;
}

/** Somebody connected over TCP. */
export interface ConnectionEvent extends Timed {
  readonly event: "connection";
  readonly client: string;
  readonly server: string;
  /** When the parts of the three-way handshake were seen. */
  readonly syn: number | null;
  readonly syn_ack: number | null;
  readonly ack: number | null;
}

/** A connection is over that was no WebSocket. */
export interface EndEvent extends Timed {
  readonly event: "end";
  readonly end: string;
  readonly by: End | null;
}

/** Anything else that is told, such as what was counted. */
export interface OtherEvent extends Partial<Timed> {
  readonly event: "other";
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type InspectEvent =
  | FrameEvent
  | RequestEvent
  | ResponseEvent
  | GapEvent
  | NoteEvent
  | ClosedEvent
  | ConnectionEvent
  | EndEvent
  | OtherEvent;

const KNOWN = ["frame", "request", "response", "gap", "note", "closed", "connection", "end"];

/** Reads one line; undefined where it holds no event. */
export function readEvent(line: string): InspectEvent | undefined {
  const fields = parseObject(line);
  if (fields === undefined) return undefined;
  const { event, time } = fields;
  if (typeof event !== "string") return undefined;
  if (KNOWN.includes(event) && typeof time === "number") return fields as unknown as InspectEvent;
  const { connection } = fields;
  const number = typeof connection === "number" ? { connection } : {};
  return { event: "other", name: event, fields, ...number };
}

/** What is wrong with all of it, where an event says so. */
export function problemOf(event: InspectEvent): string | undefined {
  if (event.event !== "other") return undefined;
  const { what, unknown_link, given_up } = event.fields;
  if (event.name === "error") return typeof what === "string" ? what : "It cannot be read further.";
  if (event.name !== "counts") return undefined;
  if (typeof unknown_link === "number") {
    return `Some packets are of the link type ${unknown_link}, which is not known.`;
  }
  return typeof given_up === "number" && given_up > 0
    ? `${given_up} connections were given up: there are too many.`
    : undefined;
}
