// What the metrics view shows: which numbers of `/metrics` belong together, and what they are called.

import { formatBytes, formatCount } from "../../quantities.ts";
import type { Sample } from "./exposition.ts";

/** One curve: a sum of samples, as it is, or how much it grows in a second, or with each that `per` counts. */
export interface Curve {
  readonly label: string;
  readonly metric: string;
  readonly isRate: boolean;
  readonly per?: string;
  readonly of?: (labels: Sample["labels"]) => boolean;
}

/** Curves with one scale. */
export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly format: (value: number) => string;
  readonly isOfBytes?: boolean;
  readonly curves: readonly Curve[];
}

function rate(label: string, metric: string, of?: Curve["of"]): Curve {
  return { label, metric: `tieline_${metric}`, isRate: true, ...(of && { of }) };
}

function level(label: string, metric: string): Curve {
  return { label, metric: `tieline_${metric}`, isRate: false };
}

/** How long each took. */
function mean(label: string, histogram: string): Curve {
  const [metric, per] = [`tieline_${histogram}_sum`, `tieline_${histogram}_count`];
  return { label, metric, isRate: true, per };
}

const inward: Curve["of"] = ({ direction }) => direction === "in";
const outward: Curve["of"] = ({ direction }) => direction === "out";
const published: Curve["of"] = ({ result }) => result === "published";

const PER_SECOND = (value: number) => `${formatNumber(value)}/s`;
const BYTES_PER_SECOND = (value: number) => `${formatBytes(Math.round(value))}/s`;

export const PANELS: readonly Panel[] = [
  {
    id: "lines",
    title: "Connections",
    format: formatNumber,
    curves: [level("open", "lines_open")],
  },
  {
    id: "handshakes",
    title: "Handshakes",
    format: PER_SECOND,
    curves: [
      rate("accepted", "handshakes_total", ({ status = "" }) => status < "400"),
      rate("refused (4xx)", "handshakes_total", ({ status = "" }) => status.startsWith("4")),
      rate("failed (5xx)", "handshakes_total", ({ status = "" }) => status.startsWith("5")),
    ],
  },
  {
    id: "messages",
    title: "Messages",
    format: PER_SECOND,
    curves: [rate("in", "messages_total", inward), rate("out", "messages_total", outward)],
  },
  {
    id: "bytes",
    title: "Bytes",
    format: BYTES_PER_SECOND,
    isOfBytes: true,
    curves: [
      rate("in", "message_bytes_total", inward),
      rate("out", "message_bytes_total", outward),
    ],
  },
  {
    id: "waiting",
    title: "Waiting for slow clients",
    format: (value) => formatBytes(Math.round(value)),
    isOfBytes: true,
    curves: [level("backlogs", "backlog_bytes")],
  },
  {
    id: "times",
    title: "Time taken",
    format: (value) => `${formatNumber(value * 1000)} ms`,
    curves: [mean("ping", "ping_seconds"), mean("fan-out to 16 or more", "fan_out_seconds")],
  },
  {
    id: "publications",
    title: "Publications",
    format: PER_SECOND,
    curves: [
      rate("published", "channels_publications_total", published),
      rate("not published", "channels_publications_total", ({ result }) =>
        ["failed", "overloaded"].includes(result ?? ""),
      ),
      rate("gaps told", "channels_gaps_total"),
    ],
  },
  {
    id: "sessions",
    title: "Sessions and subscriptions",
    format: formatNumber,
    curves: [
      level("sessions", "channels_sessions"),
      level("subscriptions", "channels_subscriptions"),
    ],
  },
];

/** A number as it is read at a glance: the smaller, the more exact. */
export function formatNumber(value: number): string {
  if (value < 1) return String(Math.round(value * 100) / 100);
  return value < 100 ? String(Math.round(value * 10) / 10) : formatCount(Math.round(value));
}
