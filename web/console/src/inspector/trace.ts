// What was told so far, as rows: bounded, and drawn no more often than a screen is.

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Summary, unseen, withEvent } from "./connections.ts";
import { type InspectEvent, problemOf } from "./events.ts";
import { type Row, rowOf, trimmed } from "./rows.ts";

/** Rows that are kept; the oldest go first. */
export const MAX_ROWS = 50_000;

/** Characters of payloads that are kept in all rows together. */
const MAX_CHARS = 64 * 1024 * 1024;

/** How many rows go at once, so that not every new one moves all others. */
const SLACK = 2_000;

/** Connections of which a summary is kept. */
const MAX_CONNECTIONS = 1_000;

// A timer and not an animation frame: those stop in a tab that nobody looks at.
const REFRESH_MS = 50;

/** What is shown of it. */
export interface Trace {
  readonly rows: readonly Row[];
  /** Rows that are gone because there were too many. */
  readonly dropped: number;
  readonly connections: readonly Summary[];
  /** What the server said was wrong. */
  readonly problem: string;
}

/** The rows of one source. */
export interface Recorder {
  readonly shown: ReadonlySignal<Trace>;
  readonly paused: ReadonlySignal<boolean>;
  /** Rows that came since the pause. */
  readonly waiting: ReadonlySignal<number>;
  add(event: InspectEvent): void;
  clear(): void;
  pause(): void;
  resume(): void;
}

const NOTHING: Trace = { rows: [], dropped: 0, connections: [], problem: "" };

export function createRecorder(): Recorder {
  const shown = signal(NOTHING);
  const paused = signal(false);
  const waiting = signal(0);
  const connections = new Map<number, Summary>();
  let rows: Row[] = [];
  let chars = 0;
  let nextId = 1;
  let dropped = 0;
  let problem = "";
  let due: ReturnType<typeof setTimeout> | undefined;

  function refresh() {
    due = undefined;
    if (paused.value) {
      waiting.value = nextId - 1 - (shown.value.rows.at(-1)?.id ?? 0);
    } else {
      shown.value = { rows: [...rows], dropped, connections: [...connections.values()], problem };
    }
  }

  function bound() {
    if (rows.length <= MAX_ROWS + SLACK && chars <= MAX_CHARS) return;
    let excess = Math.max(0, rows.length - MAX_ROWS);
    for (const row of rows.slice(0, excess)) chars -= weight(row);
    while (chars > MAX_CHARS * 0.9 && excess < rows.length) {
      const row = rows[excess];
      if (row !== undefined) chars -= weight(row);
      excess += 1;
    }
    rows = rows.slice(excess);
    dropped += excess;
  }

  function summarise(event: InspectEvent) {
    const number = event.connection ?? 1;
    const known = connections.get(number);
    if (known === undefined && connections.size >= MAX_CONNECTIONS) return;
    connections.set(number, withEvent(known ?? unseen(number), event));
  }

  return {
    shown,
    paused,
    waiting,
    add(event) {
      const wrong = problemOf(event);
      if (wrong !== undefined) problem = wrong;
      else if (event.event !== "other") summarise(event);
      const row = rowOf(trimmed(event), nextId);
      if (row !== undefined) {
        nextId += 1;
        rows.push(row);
        chars += weight(row);
        bound();
      }
      if (due === undefined) due = setTimeout(refresh, REFRESH_MS);
    },
    clear() {
      rows = [];
      chars = 0;
      dropped = 0;
      problem = "";
      connections.clear();
      shown.value = NOTHING;
      waiting.value = 0;
    },
    pause() {
      refresh();
      paused.value = true;
      waiting.value = 0;
    },
    resume() {
      paused.value = false;
      waiting.value = 0;
      refresh();
    },
  };
}

function weight({ event, shown }: Row): number {
  if (event.event !== "frame") return shown.length;
  const { payload, message } = event;
  return shown.length + payload.length + (message?.text?.length ?? message?.hex?.length ?? 0);
}
