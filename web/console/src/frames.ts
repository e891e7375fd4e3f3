// What went over a line, as rows: the model behind the view of the frames.

import { closeCode, isOnTheWire } from "./close_codes.ts";
import { OPCODE, type Opcode } from "./header.ts";
import { formatHex } from "./hex.ts";
import { formatClock } from "./quantities.ts";

/** Rows kept; the oldest go first. */
export const MAX_ROWS = 500;

/** Bytes kept of each payload, so that 500 large messages do not fill the memory. */
export const MAX_KEPT_BYTES = 16 * 1024;

export type Direction = "none" | "received" | "sent";

/** What a row is about: a frame, or the line itself. */
export type RowKind = "lost" | "open" | Opcode;

/** Which way a row went, as a sign beside the word. */
export const ARROWS: Readonly<Record<Direction, string>> = { none: "•", received: "↓", sent: "↑" };

/** Which way a row went; what happened to the line itself went neither way. */
export const WORDS: Readonly<Record<Direction, string>> = {
  none: "line",
  received: "received",
  sent: "sent",
};

/** How payloads are written. */
export type PayloadView = "hex" | "text";

/** One row. */
export interface Row {
  readonly id: number;
  readonly at: Date;
  readonly direction: Direction;
  readonly kind: RowKind;
  /** The beginning of the payload, at most `MAX_KEPT_BYTES`. */
  readonly kept: Uint8Array;
  /** The whole payload's length in bytes, before compression. */
  readonly length: number;
  /** True when permessage-deflate was agreed, so that RSV1 may have been set. */
  readonly deflate: boolean;
  /** What there is to say when there is no payload to show. */
  readonly note: string;
}

/** The rows of one line. */
export interface Transcript {
  readonly rows: readonly Row[];
  /** Rows that are gone because there were more than `MAX_ROWS`. */
  readonly dropped: number;
  readonly nextId: number;
}

export const EMPTY: Transcript = { rows: [], dropped: 0, nextId: 1 };

/** Adds a row at the end, and lets the oldest go when there are too many. */
export function append(transcript: Transcript, row: Omit<Row, "id">): Transcript {
  const rows = [...transcript.rows, { ...row, id: transcript.nextId }];
  const excess = Math.max(0, rows.length - MAX_ROWS);
  return {
    rows: excess === 0 ? rows : rows.slice(excess),
    dropped: transcript.dropped + excess,
    nextId: transcript.nextId + 1,
  };
}

/** Forgets every row, but not the numbering: a row's id is never used twice. */
export function clear(transcript: Transcript): Transcript {
  return { ...EMPTY, nextId: transcript.nextId };
}

/** A text or binary message. */
export function messageRow(
  direction: Exclude<Direction, "none">,
  data: string | Uint8Array,
  deflate: boolean,
  at: Date,
): Omit<Row, "id"> {
  const text = typeof data === "string";
  const bytes = text ? new TextEncoder().encode(data) : data;
  return {
    at,
    direction,
    kind: text ? "text" : "binary",
    // A copy: a view would keep the whole message alive.
    kept: bytes.slice(0, MAX_KEPT_BYTES),
    length: bytes.length,
    deflate,
    note: "",
  };
}

/** The line came up. */
export function openRow(at: Date): Omit<Row, "id"> {
  const note = "the handshake is done";
  return { at, direction: "none", kind: "open", kept: NOTHING, length: 0, deflate: false, note };
}

/** A close frame; without a code its payload is empty (RFC 6455 §5.5.1). */
export function closeRow(
  direction: Exclude<Direction, "none">,
  code: number | undefined,
  reason: string,
  at: Date,
): Omit<Row, "id"> {
  const kept =
    code === undefined || !isOnTheWire(code)
      ? NOTHING
      : Uint8Array.of(code >> 8, code & 0xff, ...new TextEncoder().encode(reason));
  const note = kept === NOTHING ? "no code" : describeClose(code ?? 1005, reason);
  return { at, direction, kind: "close", kept, length: kept.length, deflate: false, note };
}

/** The line went away without a close frame, or never came up. */
export function lostRow(code: number, wasOpen: boolean, at: Date): Omit<Row, "id"> {
  const why = wasOpen ? "no close frame" : "no handshake";
  const note = `${describeClose(code, "")}, ${why}`;
  return { at, direction: "none", kind: "lost", kept: NOTHING, length: 0, deflate: false, note };
}

/** A code with its name and, where there is one, its reason. */
export function describeClose(code: number, reason: string): string {
  const named = `${code} ${closeCode(code).name}`;
  return reason === "" ? named : `${named} “${reason}”`;
}

/** True for rows that stand for a frame on the wire. */
export function isFrame(row: Row): row is Row & { kind: Opcode } {
  return row.kind !== "open" && row.kind !== "lost";
}

/** The opcode's name and number, or a word for the line itself. */
export function formatKind(row: Row): string {
  return isFrame(row) ? `${row.kind} 0x${OPCODE[row.kind].toString(16)}` : row.kind;
}

/** True when the message may have been compressed; a browser does not say. Control frames never are (RFC 7692 §6). */
export function isDoubtful(row: Row): boolean {
  return row.deflate && row.kind !== "close";
}

/** The flags, with the doubt that a browser leaves. */
export function formatFlags(row: Row): string {
  if (!isFrame(row)) return "";
  return isDoubtful(row) ? "FIN, RSV1 may be set" : "FIN";
}

/** The client masks, the server does not (RFC 6455 §5.1). */
export function formatMask(row: Row): string {
  if (!isFrame(row)) return "";
  return row.direction === "sent" ? "masked" : "unmasked";
}

/** The beginning of the payload on one line. A binary payload is hexadecimal in either view. */
export function formatPayload(row: Row, view: PayloadView, maxChars = 160): string {
  if (row.kind === "open" || row.kind === "lost") return row.note;
  if (row.kind === "close" && view === "text") return row.note;
  if (row.length === 0) return "(empty)";
  if (view === "hex" || row.kind === "binary") {
    const fits = Math.floor(maxChars / 3);
    return formatHex(row.kept.subarray(0, fits)) + (row.length > fits ? " …" : "");
  }
  // Four bytes are the most that a character takes, so this is enough to cut from.
  const start = decodeText(row.kept.subarray(0, maxChars * 4));
  const cut = start.slice(0, maxChars);
  return (
    cut.replace(/\s+/g, " ") + (cut.length < start.length || row.length > maxChars * 4 ? "…" : "")
  );
}

/** Bytes as text; what is no UTF-8, or was cut in the middle of a character, shows as a replacement. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A row as one line of plain text, to be copied. */
export function formatRow(row: Row, view: PayloadView): string {
  const frame = isFrame(row)
    ? [`${row.length} bytes`, formatFlags(row), formatMask(row)].join(", ")
    : "";
  return [
    formatClock(row.at),
    WORDS[row.direction].padEnd(8),
    formatKind(row).padEnd(10),
    [frame, formatPayload(row, view, 1000)].filter((part) => part !== "").join("  "),
  ].join("  ");
}

const NOTHING = new Uint8Array();
