// A chart of a panel. It says nothing that the legend and the table do not say.

import { useEffect, useRef } from "preact/hooks";
import { type Chart, loadCharts } from "../../charts/chart.ts";
import { theme } from "../../theme.ts";
import { SPAN_MS, type Values } from "./history.ts";
import type { Panel } from "./panels.ts";

export function ChartView(props: {
  panel: Panel;
  times: readonly number[];
  values: readonly Values[];
}) {
  const { panel, times, values } = props;
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | undefined>(undefined);
  const latest = useRef({ times, values });
  latest.current = { times, values };

  useEffect(() => {
    let isOver = false;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => chart.current?.repaint();
    dark.addEventListener("change", repaint);
    const stopFollowing = theme.subscribe(repaint);
    loadCharts().then(
      (draw) => {
        if (isOver || element.current === null) return;
        const { curves, format, isOfBytes = false } = panel;
        const options = { curves, format, isOfBytes, spanMs: SPAN_MS };
        chart.current = draw(element.current, options);
        chart.current.show(latest.current.times, latest.current.values);
      },
      // The numbers are there without it.
      () => {},
    );
    return () => {
      isOver = true;
      dark.removeEventListener("change", repaint);
      stopFollowing();
      chart.current?.remove();
      chart.current = undefined;
    };
  }, [panel]);

  useEffect(() => {
    chart.current?.show(times, values);
  }, [times, values]);

  return <div ref={element} class="chart" aria-hidden="true" />;
}
