// Which rows are shown.

import type { End } from "./events.ts";
import type { Kind, Row } from "./rows.ts";

/** What a row has to be, to be shown. */
export interface Filter {
  /** All where it is undefined. */
  readonly kind: Kind | undefined;
  readonly from: End | undefined;
  readonly connection: number | undefined;
  /** What it has to hold, whatever the case; anything where it is empty. */
  readonly text: string;
}

export const EVERYTHING: Filter = {
  kind: undefined,
  from: undefined,
  connection: undefined,
  text: "",
};

/** Whether a row is to be shown. */
export function fits(row: Row, filter: Filter): boolean {
  if (filter.kind !== undefined && row.kind !== filter.kind) return false;
  if (filter.from !== undefined && row.from !== filter.from) return false;
  if (filter.connection !== undefined && row.connection !== filter.connection) return false;
  return filter.text === "" || holds(row, filter.text.toLowerCase());
}

/** Whether it lets everything by. */
export function isOpen(filter: Filter): boolean {
  const { kind, from, connection, text } = filter;
  return kind === undefined && from === undefined && connection === undefined && text === "";
}

function holds(row: Row, text: string): boolean {
  if (row.shown.toLowerCase().includes(text)) return true;
  const { event } = row;
  if (event.event !== "frame") return false;
  return event.message?.text?.toLowerCase().includes(text) ?? false;
}
