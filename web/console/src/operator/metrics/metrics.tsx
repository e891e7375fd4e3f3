// The metrics of the last ten minutes: a chart for each panel, and the same numbers as a table.

import { useEffect } from "preact/hooks";
import { ChartView } from "./chart_view.tsx";
import { summaryOf } from "./history.ts";
import { CURVES, type Meter } from "./meter.ts";
import { PANELS, type Panel } from "./panels.ts";

export function Metrics(props: { meter: Meter }) {
  const { meter } = props;
  useEffect(() => meter.start(), [meter]);
  // What this server does not count is not shown as nothing.
  const panels = PANELS.filter(({ curves }) =>
    curves.some(({ isRate, metric }) => isRate || meter.known.value.has(metric)),
  );
  return (
    <div class="metrics">
      <div class="stage-title">
        <h2>Metrics</h2>
        <p>The last ten minutes, from when this view was opened; a look every two seconds.</p>
      </div>
      <p class="problem" role="alert" data-testid="metrics-problem">
        {meter.problem.value}
      </p>
      <div class="panels">
        {panels.map((panel) => (
          <PanelCard key={panel.id} panel={panel} meter={meter} />
        ))}
      </div>
      <Table panels={panels} meter={meter} />
    </div>
  );
}

/** The values of a panel's curves. */
function valuesOf({ curves }: Panel, { history }: Meter) {
  const first = CURVES.indexOf(curves[0] ?? (undefined as never));
  return history.value.values.slice(first, first + curves.length);
}

function PanelCard(props: { panel: Panel; meter: Meter }) {
  const { meter, panel } = props;
  const values = valuesOf(panel, meter);
  return (
    <section class="card panel" aria-labelledby={`panel-title-${panel.id}`}>
      <h3 id={`panel-title-${panel.id}`}>{panel.title}</h3>
      <ul class="legend" data-testid={`metric-${panel.id}`}>
        {panel.curves.map(({ label }, index) => (
          <li key={label}>
            <svg class="curve" viewBox="0 0 24 8" aria-hidden="true" data-curve={index}>
              <path d="M0 4h24" />
            </svg>
            {label} <b>{shown(panel, summaryOf(values[index] ?? []).now)}</b>
          </li>
        ))}
      </ul>
      <ChartView panel={panel} times={meter.history.value.times} values={values} />
    </section>
  );
}

function Table(props: { panels: readonly Panel[]; meter: Meter }) {
  const { meter, panels } = props;
  return (
    <section class="card metrics-table">
      <table data-testid="metrics-table">
        <caption>The same in numbers</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Now</th>
            <th scope="col">Least</th>
            <th scope="col">Most</th>
          </tr>
        </thead>
        <tbody>
          {panels.flatMap((panel) =>
            panel.curves.map(({ label }, index) => {
              const { least, most, now } = summaryOf(valuesOf(panel, meter)[index] ?? []);
              return (
                <tr key={`${panel.id} ${label}`}>
                  <th scope="row">
                    {panel.title}, {label}
                  </th>
                  <td>{shown(panel, now)}</td>
                  <td>{shown(panel, least)}</td>
                  <td>{shown(panel, most)}</td>
                </tr>
              );
            }),
          )}
        </tbody>
      </table>
    </section>
  );
}

function shown({ format }: Panel, value: number | undefined): string {
  return value === undefined ? "–" : format(value);
}
