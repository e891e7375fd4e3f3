// The transcript of a line as a signal, which can be paused, and which a flood of messages does not drown.

import { type ReadonlySignal, signal } from "@preact/signals";
import { append, clear, EMPTY, type Row, type Transcript } from "./frames.ts";

/** The transcript of one line. */
export interface Journal {
  /** What is shown: at most one screen refresh behind, or standing still while paused. */
  readonly shown: ReadonlySignal<Transcript>;
  readonly paused: ReadonlySignal<boolean>;
  /** Rows written since the pause. */
  readonly waiting: ReadonlySignal<number>;
  add(row: Omit<Row, "id">): void;
  clear(): void;
  pause(): void;
  resume(): void;
}

// A timer and not an animation frame: those stop in a tab that nobody looks at.
const REFRESH_MS = 16;

/** Makes an empty journal. */
export function createJournal(): Journal {
  const shown = signal<Transcript>(EMPTY);
  const paused = signal(false);
  const waiting = signal(0);
  let latest: Transcript = EMPTY;
  let refreshed: Transcript = EMPTY;
  let due: ReturnType<typeof setTimeout> | undefined;

  // The first row of a burst shows at once, the rest together when the timer rings.
  function soon() {
    if (due !== undefined) return;
    refresh();
    due = setTimeout(rest, REFRESH_MS);
  }

  function rest() {
    due = undefined;
    if (latest !== refreshed) soon();
  }

  function refresh() {
    refreshed = latest;
    if (paused.value) waiting.value = latest.nextId - shown.value.nextId;
    else shown.value = latest;
  }

  return {
    shown,
    paused,
    waiting,
    add(row) {
      latest = append(latest, row);
      soon();
    },
    clear() {
      latest = clear(latest);
      shown.value = latest;
      waiting.value = 0;
    },
    pause() {
      refresh();
      paused.value = true;
    },
    resume() {
      paused.value = false;
      waiting.value = 0;
      refresh();
    },
  };
}
