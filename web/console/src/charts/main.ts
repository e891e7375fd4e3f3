// Draws charts, by uPlot: a script of its own, for only the operator's page needs it.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatTime } from "../quantities.ts";
import type { Chart, DrawChart } from "./chart.ts";

/** How each curve is told from the others, also without colour. */
const LOOKS = [
  { colour: "--copper", dash: [] },
  { colour: "--verdigris", dash: [6, 4] },
  { colour: "--alarm", dash: [2, 3] },
];

const HEIGHT = 160;

/** The shortest time that is looked back. */
const LEAST_SECONDS = 60;

/** Steps of an axis of bytes. */
const POWERS_OF_TWO = Array.from({ length: 40 }, (_, power) => 2 ** power);

const draw: DrawChart = (element, { curves, format, isOfBytes, spanMs }) => {
  const plot = new uPlot(
    {
      width: widthOf(element),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      padding: [8, 8, 0, 0],
      scales: {
        // At first it is less, so that there is something to see.
        x: {
          time: true,
          range: (_plot, min, max) => [
            Math.max(max - spanMs / 1000, Math.min(min, max - LEAST_SECONDS)),
            max,
          ],
        },
        y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis(element), size: 28, space: 90, values: (_plot, ticks) => ticks.map(timeOf) },
        {
          ...axis(element),
          size: 68,
          values: (_plot, ticks) => ticks.map(format),
          ...(isOfBytes ? { incrs: POWERS_OF_TWO } : {}),
        },
      ],
      series: [
        {},
        ...curves.map(({ label }, index) => {
          const look = LOOKS[index % LOOKS.length] ?? { colour: "--ink", dash: [] };
          return {
            label,
            width: 2,
            dash: [...look.dash],
            points: { show: false },
            stroke: () => colourOf(element, look.colour),
          };
        }),
      ],
    },
    [[], ...curves.map(() => [])],
    element,
  );
  const resized = new ResizeObserver(() => {
    plot.setSize({ width: widthOf(element), height: HEIGHT });
  });
  resized.observe(element);
  const chart: Chart = {
    show(times, values) {
      plot.setData([times.map((time) => time / 1000), ...values.map((row) => [...row])]);
    },
    repaint: () => plot.redraw(false, true),
    remove() {
      resized.disconnect();
      plot.destroy();
    },
  };
  return chart;
};

globalThis.tielineCharts = draw;

function axis(element: HTMLElement): uPlot.Axis {
  return {
    stroke: () => colourOf(element, "--ink-soft"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: () => colourOf(element, "--edge"), width: 1 },
    ticks: { show: false },
  };
}

function timeOf(seconds: number): string {
  return formatTime(new Date(seconds * 1000));
}

function widthOf(element: HTMLElement): number {
  return Math.max(100, Math.floor(element.clientWidth));
}

/** The colour in force: a variable may stand for two. */
function colourOf(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = "";
  return color;
}
