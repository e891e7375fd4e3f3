// Asks for the metrics every two seconds, for as long as somebody looks.

import { type ReadonlySignal, signal } from "@preact/signals";
import { whileSeen } from "../while_seen.ts";
import { readMetrics } from "./exposition.ts";
import { addSamples, emptyHistory, type History } from "./history.ts";
import { PANELS } from "./panels.ts";

export interface Meter {
  readonly history: ReadonlySignal<History>;
  /** Metrics that the server has. */
  readonly known: ReadonlySignal<ReadonlySet<string>>;
  readonly problem: ReadonlySignal<string>;
  /** Begins to ask, until what it answers is called; while the page is hidden it waits. */
  start(): () => void;
}

/** The curves of all panels, in their order. */
export const CURVES = PANELS.flatMap(({ curves }) => curves);

const EVERY_MS = 2000;

/** `ask` answers the text of `/metrics`. */
export function createMeter(ask: () => Promise<string>, page?: Document): Meter {
  const history = signal(emptyHistory(CURVES));
  const known = signal<ReadonlySet<string>>(new Set());
  const problem = signal("");

  async function look(): Promise<void> {
    try {
      const samples = readMetrics(await ask());
      known.value = new Set(samples.map(({ name }) => name));
      history.value = addSamples(history.value, CURVES, samples, Date.now());
      problem.value = "";
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  }

  return {
    history,
    known,
    problem,
    start: () => whileSeen(look, EVERY_MS, page),
  };
}
