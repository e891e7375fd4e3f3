// A recording of a terminal.
//
// Spec: asciicast v2: a header, and a line for each event, `[seconds, kind, data]`.

import { parseJson, parseObject } from "../../json.ts";
import { isSize } from "./wire.ts";

/** What happened at a time. */
export interface CastEvent {
  /** Seconds since the beginning, without the pauses that nobody wants to wait for. */
  readonly at: number;
  readonly what: { readonly output: string } | { readonly columns: number; readonly rows: number };
}

/** A recording. */
export interface Cast {
  readonly columns: number;
  readonly rows: number;
  readonly title: string;
  readonly events: readonly CastEvent[];
  /** How long it takes, in seconds. */
  readonly length: number;
}

/** Longest pause that is played, in seconds. */
export const MAX_PAUSE = 2;

/** Reads a recording; one that breaks off ends where it does. Text that is none is undefined. */
export function parseCast(text: string): Cast | undefined {
  const lines = text.split("\n");
  const header = parseObject(lines[0] ?? "");
  if (header === undefined) return undefined;
  const { version, width, height, title, command } = header;
  if (version !== 2 || !isSize(width) || !isSize(height)) return undefined;
  const events: CastEvent[] = [];
  let before = 0;
  let at = 0;
  for (const line of lines.slice(1)) {
    const event = parseJson(line);
    if (!Array.isArray(event)) continue;
    const [seconds, kind, data] = event as readonly unknown[];
    if (typeof seconds !== "number" || !Number.isFinite(seconds) || typeof data !== "string")
      continue;
    at += Math.min(MAX_PAUSE, Math.max(0, seconds - before));
    before = Math.max(before, seconds);
    const what = whatOf(kind, data);
    if (what !== undefined) events.push({ at, what });
  }
  const named = typeof title === "string" ? title : typeof command === "string" ? command : "";
  return { columns: width, rows: height, title: named, events, length: at };
}

/** The first event behind this time, by its place. */
export function placeAt(cast: Cast, seconds: number): number {
  let low = 0;
  let high = cast.events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cast.events[middle]?.at ?? 0) <= seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

function whatOf(kind: unknown, data: string): CastEvent["what"] | undefined {
  if (kind === "o") return { output: data };
  if (kind !== "r") return undefined;
  const [columns, rows] = data.split("x").map(Number);
  return isSize(columns) && isSize(rows) ? { columns, rows } : undefined;
}
