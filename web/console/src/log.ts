// A list of what was heard, which keeps its newest entries.

import { type ReadonlySignal, signal } from "@preact/signals";

/** One entry, with the time it was added. */
export interface Entry<T> {
  readonly id: number;
  readonly at: Date;
  readonly what: T;
}

/** What was heard, oldest first. */
export interface Log<T> {
  readonly entries: ReadonlySignal<readonly Entry<T>[]>;
  add(what: T): void;
}

const MAX_ENTRIES = 200;

/** Makes an empty log. */
export function createLog<T>(): Log<T> {
  const entries = signal<readonly Entry<T>[]>([]);
  let nextId = 1;
  return {
    entries,
    add(what) {
      const entry = { id: nextId, at: new Date(), what };
      nextId += 1;
      entries.value = [...entries.value, entry].slice(-MAX_ENTRIES);
    },
  };
}
