// What was heard on a channel, in the order of its log: publications, what is missing between them, and what became of the line.

import type { Gap, Publication } from "../../../sdk/src/index.ts";

/** How a publication came. */
export type Arrival = "history" | "live" | "missed";

export type Entry = { readonly id: number } & (
  | {
      readonly kind: "publication";
      readonly publication: Publication;
      readonly arrival: Arrival;
      readonly at: Date;
    }
  | {
      readonly kind: "gap";
      readonly reason: string;
      /** The first and the last offset that are missing, where both are known. */
      readonly missing?: { readonly first: number; readonly last: number };
      /** Whether the server may still have some of them. */
      readonly isThere: boolean;
      readonly at: Date;
    }
  | { readonly kind: "news"; readonly text: string; readonly at: Date }
);

export interface Heard {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  readonly nextId: number;
}

/** What an entry says, without its number. */
type Told = Entry extends infer E ? (E extends Entry ? Omit<E, "id"> : never) : never;

export const EMPTY: Heard = { entries: [], nextId: 1 };

/** The newest entries that are kept. */
export const MAX_ENTRIES = 500;

/** Adds at the end, and lets the oldest go. */
export function append(heard: Heard, ...told: readonly Told[]): Heard {
  const { entries, nextId } = numbered(heard, told);
  return { entries: [...heard.entries, ...entries].slice(-MAX_ENTRIES), nextId };
}

/** Adds older publications in front: the newest first, as history gives them. */
export function prepend(heard: Heard, publications: readonly Publication[], at: Date): Heard {
  const told = [...publications].reverse().map((publication) => fromHistory(publication, at));
  const { entries, nextId } = numbered(heard, told);
  return { entries: [...entries, ...heard.entries], nextId };
}

/** What a gap says. */
export function gapOf({ since, position, reason }: Gap, at: Date): Told {
  const isSame = since !== undefined && since.epoch === position?.epoch;
  if (!isSame || since.offset >= position.offset)
    return { kind: "gap", reason, isThere: false, at };
  const missing = { first: since.offset + 1, last: position.offset };
  return { kind: "gap", reason, missing, isThere: true, at };
}

/** Puts publications, oldest first, in the place of the gap that they belong to; what is still missing stays told. */
export function fill(
  heard: Heard,
  gapId: number,
  publications: readonly Publication[],
  at: Date,
): Heard {
  const index = heard.entries.findIndex(({ id }) => id === gapId);
  const gap = heard.entries[index];
  if (gap?.kind !== "gap" || gap.missing === undefined) return heard;
  const { first, last } = gap.missing;
  const found = publications.filter(({ offset }) => offset >= first && offset <= last);
  const begin = found[0]?.offset ?? last + 1;
  const end = found.at(-1)?.offset ?? last;
  const { at: when, reason } = gap;
  const told: Told[] = [];
  if (begin > first) {
    told.push(missingOf({ first, last: begin - 1 }, reason, false, when));
  }
  told.push(...found.map((publication) => fromHistory(publication, at)));
  if (end < last) told.push(missingOf({ first: end + 1, last }, reason, true, when));
  const { entries, nextId } = numbered(heard, told);
  const [before, after] = [heard.entries.slice(0, index), heard.entries.slice(index + 1)];
  return { entries: [...before, ...entries, ...after], nextId };
}

/** The oldest offset of what is shown, unless something stands in front of it that is gone. */
export function oldestShown(heard: Heard): number | undefined {
  for (const entry of heard.entries) {
    if (entry.kind === "publication") return entry.publication.offset;
    if (entry.kind === "gap") return entry.missing?.first;
  }
  return undefined;
}

function missingOf(
  missing: { first: number; last: number },
  reason: string,
  isThere: boolean,
  at: Date,
): Told {
  return { kind: "gap", reason, missing, isThere, at };
}

function fromHistory(publication: Publication, at: Date): Told {
  return { kind: "publication", publication, arrival: "history", at };
}

function numbered({ nextId }: Heard, told: readonly Told[]) {
  const entries = told.map((one, index) => ({ ...one, id: nextId + index }));
  return { entries, nextId: nextId + told.length };
}
