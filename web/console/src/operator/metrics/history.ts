// The last ten minutes of what `/metrics` answered, as curves.

import type { Sample } from "./exposition.ts";
import type { Curve } from "./panels.ts";

/** How long is looked back. */
export const SPAN_MS = 600_000;

/** A value at each of the times; null where nothing is known. */
export type Values = readonly (number | null)[];

type Sums = readonly (number | undefined)[];

export interface History {
  /** Milliseconds since 1970, rising. */
  readonly times: readonly number[];
  /** The values of each curve at these times. */
  readonly values: readonly Values[];
  /** The sums that were read last, and when. */
  readonly last?: { readonly at: number; readonly sums: Sums; readonly counts: Sums };
}

/** Without an answer for so long the curves have a hole. */
const HOLE_MS = 10_000;

export function emptyHistory(curves: readonly Curve[]): History {
  return { times: [], values: curves.map(() => []) };
}

/** Adds what was answered at a time, and lets go of what is too old. */
export function addSamples(
  history: History,
  curves: readonly Curve[],
  samples: readonly Sample[],
  at: number,
): History {
  const sums = curves.map((curve) => sumOf(curve, samples));
  const counts = curves.map(({ per }) =>
    per === undefined ? undefined : sumOf({ metric: per, isRate: true }, samples),
  );
  const { last } = history;
  const seconds = last === undefined ? 0 : (at - last.at) / 1000;
  const isHole = last !== undefined && at - last.at > HOLE_MS;
  const now = curves.map(({ isRate, per }, index) => {
    const sum = sums[index];
    if (sum === undefined) return null;
    if (!isRate) return sum;
    const before = last?.sums[index];
    // A server that was started anew counts from nothing again.
    if (before === undefined || isHole || sum < before) return null;
    const passed = per === undefined ? seconds : (counts[index] ?? 0) - (last?.counts[index] ?? 0);
    return passed > 0 ? (sum - before) / passed : null;
  });
  // A point without values keeps the curve from bridging what nobody saw.
  const times = [...history.times, ...(isHole ? [at - 1] : []), at];
  const values = history.values.map((old, index) => [
    ...old,
    ...(isHole ? [null] : []),
    now[index] ?? null,
  ]);
  const first = times.findIndex((time) => time > at - SPAN_MS);
  return {
    times: times.slice(first),
    values: values.map((row) => row.slice(first)),
    last: { at, sums, counts },
  };
}

/** The newest value, and the least and the most that are known. */
export function summaryOf(values: Values) {
  const known = values.filter((value) => value !== null);
  return {
    now: values.at(-1) ?? undefined,
    least: known.length === 0 ? undefined : Math.min(...known),
    most: known.length === 0 ? undefined : Math.max(...known),
  };
}

/** Nothing where the server has no such metric; one that has not counted yet may not be there either. */
function sumOf(
  { metric, of, isRate }: Pick<Curve, "isRate" | "metric" | "of">,
  samples: readonly Sample[],
): number | undefined {
  const all = samples.filter(({ name }) => name === metric);
  if (all.length === 0 && !isRate) return undefined;
  return all
    .filter(({ labels }) => of?.(labels) ?? true)
    .reduce((sum, { value }) => sum + value, 0);
}
