// An event as a row of the table: what is shown of it, and what it is found by.

import { describeClose } from "../frames.ts";
import { formatBytes, formatSpan } from "../quantities.ts";
import type { End, FrameEvent, InspectEvent } from "./events.ts";

/** Bytes of a payload that are kept; the text of a message is as much. */
export const MAX_KEPT_BYTES = 16 * 1024;

/** Characters of the beginning that a row shows. */
const MAX_SHOWN = 200;

/** What a row is about. */
export type Kind =
  | "binary"
  | "close"
  | "continuation"
  | "ping"
  | "pong"
  | "text"
  | "reserved"
  | "gap"
  | "line";

/** One row. */
export interface Row {
  readonly id: number;
  readonly connection: number;
  readonly at: Date;
  /** Who has sent it; undefined for what is about both ends. */
  readonly from: End | undefined;
  readonly kind: Kind;
  /** What the kind is called in the table. */
  readonly name: string;
  readonly length: number | undefined;
  readonly flags: string;
  /** The beginning of the payload, or what there is to say instead. */
  readonly shown: string;
  readonly isWrong: boolean;
  readonly event: InspectEvent;
}

/** Makes the row of an event; undefined for one that has none. */
export function rowOf(event: InspectEvent, id: number): Row | undefined {
  if (event.event === "other") return undefined;
  if (event.event === "frame") return ofFrame(event, id);
  const row = { id, connection: event.connection ?? 1, at: new Date(event.time * 1000) };
  const about = { ...row, from: undefined, length: undefined, flags: "", isWrong: false };
  switch (event.event) {
    case "gap": {
      const shown = `${formatBytes(event.bytes)} are missing`;
      return { ...about, from: event.from, kind: "gap", name: "gap", shown, isWrong: true, event };
    }
    case "request": {
      const shown = `${event.method} ${event.target}${event.error === null ? "" : `: ${event.error}`}`;
      const isWrong = event.error !== null;
      return { ...about, from: "client", kind: "line", name: "request", shown, isWrong, event };
    }
    case "response": {
      const shown = [String(event.status), event.error ?? "", ...event.extensions];
      const isWrong = event.error !== null || event.accept_right === false;
      const text = shown.filter((part) => part !== "").join(" ");
      return {
        ...about,
        from: "server",
        kind: "line",
        name: "response",
        shown: text,
        isWrong,
        event,
      };
    }
    case "closed": {
      const shown = ending(event);
      return { ...about, kind: "line", name: "closed", shown, isWrong: !event.clean, event };
    }
    case "connection": {
      const shown = `${event.client} → ${event.server}`;
      return { ...about, kind: "line", name: "TCP", shown, event };
    }
    case "end": {
      const shown = event.by === null ? event.end : `${event.end}, ${event.by}`;
      return { ...about, kind: "line", name: "end", shown, event };
    }
    case "note":
      return { ...about, kind: "line", name: "note", shown: event.note, event };
  }
}

/** How a connection ended, in words. */
export function ending(event: { clean: boolean; code: number; began: End | null }): string {
  const began = event.began === null ? "nobody said so" : `the ${event.began} began`;
  return `${describeClose(event.code, "")}, ${event.clean ? "" : "not "}cleanly; ${began}`;
}

/** The same event with no more of its payload than is kept. */
export function trimmed(event: InspectEvent): InspectEvent {
  if (event.event !== "frame") return event;
  const { payload, message } = event;
  const digits = 2 * MAX_KEPT_BYTES;
  const text = message?.text;
  const isLong = payload.length > digits || (text?.length ?? 0) > MAX_KEPT_BYTES;
  const hex = message?.hex;
  if (!isLong && (hex?.length ?? 0) <= digits) return event;
  const kept =
    payload.length > digits ? { payload: payload.slice(0, digits), kept: MAX_KEPT_BYTES } : {};
  const said = message && {
    ...(text === undefined ? {} : { text: text.slice(0, MAX_KEPT_BYTES) }),
    ...(hex === undefined ? {} : { hex: hex.slice(0, digits) }),
  };
  return { ...event, ...kept, ...(said ? { message: said } : {}) };
}

/** Without a spread: there are many. */
function ofFrame(event: FrameEvent, id: number): Row {
  const kind = kindOf(event);
  return {
    id,
    connection: event.connection ?? 1,
    at: new Date(event.time * 1000),
    from: event.from,
    kind,
    name: event.opcode === undefined ? kind : `${kind} 0x${event.opcode.toString(16)}`,
    length: event.length,
    flags: flagsOf(event),
    shown: shownOf(event),
    isWrong: event.error !== undefined || event.cut_off !== undefined,
    event,
  };
}

function kindOf(event: FrameEvent): Kind {
  switch (event.name) {
    case "binary":
    case "close":
    case "continuation":
    case "ping":
    case "pong":
    case "text":
      return event.name;
    default:
      return "reserved";
  }
}

/** FIN and the reserved bits that are set. */
function flagsOf({ fin, rsv = 0 }: FrameEvent): string {
  const last = fin === true ? "FIN" : "";
  if (rsv === 0) return last;
  const flags = [last, rsv & 4 ? "RSV1" : "", rsv & 2 ? "RSV2" : "", rsv & 1 ? "RSV3" : ""];
  return flags.filter((flag) => flag !== "").join(" ");
}

function shownOf(event: FrameEvent): string {
  const { error, cut_off, close, unread, message, round_trip } = event;
  if (error !== undefined) return `${error.what} (${error.code})`;
  if (cut_off !== undefined) {
    return cut_off.missing === null
      ? "cut off"
      : `cut off: ${formatBytes(cut_off.missing)} missing`;
  }
  if (close !== undefined) return describeClose(close.code, close.reason);
  if (unread !== undefined) return unread;
  if (round_trip !== undefined) return `answered after ${formatSpan(round_trip * 1000)}`;
  if (message?.text !== undefined) return beginning(message.text);
  if (event.length === 0) return "(empty)";
  if (message === null && event.name === "text" && (event.rsv ?? 0) === 0) {
    return beginning(new TextDecoder().decode(bytesOf(event.payload.slice(0, 4 * MAX_SHOWN))));
  }
  if (event.control !== undefined && isPrintable(event.payload)) {
    return beginning(new TextDecoder().decode(bytesOf(event.payload)));
  }
  const pairs = (message?.hex ?? event.payload).slice(0, MAX_SHOWN).replace(/../g, "$& ").trim();
  return (event.rsv ?? 0) !== 0 && message === null ? `compressed: ${pairs}` : pairs;
}

/** Whether bytes in hexadecimal are printable ASCII and nothing else. */
function isPrintable(hex: string): boolean {
  return /^(?:[2-6][0-9a-f]|7[0-9a-e])+$/.test(hex);
}

function beginning(text: string): string {
  const cut = text.slice(0, MAX_SHOWN).replace(/\s+/g, " ");
  return text.length > MAX_SHOWN ? `${cut}…` : cut;
}

/** Bytes from pairs of digits, as the server writes them. */
export function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}
