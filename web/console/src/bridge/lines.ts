// The newest lines of a log, in memory that is bounded, for a list that shows some of them.

import { type ReadonlySignal, signal } from "@preact/signals";

/** A line, or what there is to say instead of lines. */
export interface LogLine {
  readonly text: string;
  /** The number of its source among the sources; -1 for what the page itself says. */
  readonly source: number;
  readonly kind: "gap" | "line" | "note";
}

/** Which lines there are: numbers from the first since the page was opened. */
export interface Extent {
  /** The oldest that is kept. */
  readonly first: number;
  /** Behind the newest. */
  readonly end: number;
}

/** The newest lines. */
export interface Lines {
  /** What is shown: at most one screen refresh behind, or standing still while paused. */
  readonly shown: ReadonlySignal<Extent>;
  readonly paused: ReadonlySignal<boolean>;
  /** Lines that came since the pause. */
  readonly waiting: ReadonlySignal<number>;
  add(lines: readonly LogLine[]): void;
  /** The line with this number, where it is kept. */
  at(number: number): LogLine | undefined;
  pause(): void;
  resume(): void;
  clear(): void;
}

/** Most lines that are kept: a power of two. */
export const MAX_LINES = 1 << 17;

/** Most characters of all of them together. */
export const MAX_CHARACTERS = 64 << 20;

// A timer and not an animation frame: those stop in a tab that nobody looks at, and what is kept must not.
const REFRESH_MS = 16;

/** Makes an empty log. */
export function createLines(
  later: (callback: () => void, ms: number) => unknown = setTimeout,
): Lines {
  const ring: (LogLine | undefined)[] = [];
  let first = 0;
  let end = 0;
  let characters = 0;
  let isDue = false;
  const shown = signal<Extent>({ first, end });
  const paused = signal(false);
  const waiting = signal(0);

  const slot = (number: number) => number & (MAX_LINES - 1);

  function dropFirst() {
    characters -= ring[slot(first)]?.text.length ?? 0;
    ring[slot(first)] = undefined;
    first += 1;
  }

  function soon() {
    if (isDue) return;
    isDue = true;
    later(() => {
      isDue = false;
      refresh();
    }, REFRESH_MS);
  }

  function refresh() {
    if (!paused.value) {
      shown.value = { first, end };
      return;
    }
    // What is no longer kept cannot be shown, paused or not.
    const { first: start, end: stop } = shown.value;
    if (start < first) shown.value = { first, end: Math.max(first, stop) };
    waiting.value = end - shown.value.end;
  }

  return {
    shown,
    paused,
    waiting,
    add(lines) {
      for (const line of lines) {
        if (end - first === MAX_LINES) dropFirst();
        ring[slot(end)] = line;
        end += 1;
        characters += line.text.length;
      }
      while (characters > MAX_CHARACTERS && end - first > 1) dropFirst();
      soon();
    },
    at: (number) => (number >= first && number < end ? ring[slot(number)] : undefined),
    pause() {
      paused.value = true;
      refresh();
    },
    resume() {
      paused.value = false;
      waiting.value = 0;
      refresh();
    },
    clear() {
      while (first < end) dropFirst();
      shown.value = { first, end };
      waiting.value = 0;
    },
  };
}
