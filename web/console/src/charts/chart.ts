// What a chart is, for those who ask for one: the drawing itself is loaded when it is needed.

import type { Values } from "../operator/metrics/history.ts";

export interface ChartOptions {
  readonly curves: readonly { readonly label: string }[];
  /** How long is looked back. */
  readonly spanMs: number;
  readonly format: (value: number) => string;
  readonly isOfBytes: boolean;
}

/** A chart in an element, as wide as that. */
export interface Chart {
  show(times: readonly number[], values: readonly Values[]): void;
  /** Draws it again: the colours have changed. */
  repaint(): void;
  remove(): void;
}

export type DrawChart = (element: HTMLElement, options: ChartOptions) => Chart;

declare global {
  /** What `charts.js` gives. */
  var tielineCharts: DrawChart | undefined;
}

let loading: Promise<DrawChart> | undefined;

/** Loads what draws charts, once. */
export function loadCharts(): Promise<DrawChart> {
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "./charts.css";
    const script = document.createElement("script");
    script.src = "./charts.js";
    script.onload = () => {
      if (globalThis.tielineCharts) resolve(globalThis.tielineCharts);
    };
    script.onerror = () => {
      loading = undefined;
      reject(new Error("the charts cannot be loaded"));
    };
    document.head.append(style, script);
  });
  return loading;
}
