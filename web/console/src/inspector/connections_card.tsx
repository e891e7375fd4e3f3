// The connections: their handshakes, their round trips, how they ended, and what went wrong.

import { Fact } from "../parts/fact.tsx";
import { formatCount, formatSpan } from "../quantities.ts";
import { formatTrips, type Summary } from "./connections.ts";
import type { InspectorDesk } from "./desk.ts";

/** More than these are only counted. */
const MOST = 200;

export function Connections(props: { desk: InspectorDesk; connections: readonly Summary[] }) {
  const { desk, connections } = props;
  if (connections.length === 0) return null;
  const isLine = desk.source.value?.kind === "line";
  return (
    <section class="card connections" aria-labelledby="connections-title">
      <h3 id="connections-title">
        {connections.length === 1 ? "Connection" : `${formatCount(connections.length)} connections`}
      </h3>
      <ul class="connection-list" data-testid="inspector-connections">
        {connections.slice(0, MOST).map((summary) => (
          <li key={summary.number}>
            <Connection
              desk={desk}
              summary={summary}
              isLine={isLine}
              isAlone={connections.length === 1}
            />
          </li>
        ))}
      </ul>
      {connections.length > MOST && (
        <p class="note">and {formatCount(connections.length - MOST)} more</p>
      )}
    </section>
  );
}

function Connection(props: {
  desk: InspectorDesk;
  summary: Summary;
  isLine: boolean;
  isAlone: boolean;
}) {
  const { desk, summary, isLine, isAlone } = props;
  const { number, ends, frames, errors, gaps } = summary;
  const isChosen = desk.filter.value.connection === number;
  return (
    <>
      {!isLine && (
        <p class="connection-head">
          <strong>
            {number} {ends}
          </strong>
          {!isAlone && (
            <button
              type="button"
              class="quiet"
              aria-pressed={isChosen}
              data-testid={`connection-${number}`}
              onClick={() => desk.narrow({ connection: isChosen ? undefined : number })}
            >
              {isChosen ? "Show all" : "Only this one"}
            </button>
          )}
        </p>
      )}
      <dl class="facts">
        {!isLine && <Fact term="TCP answered" value={spanOf(summary.tcp)} />}
        {!isLine && <Fact term="Handshake" value={summary.handshake} />}
        {!isLine && <Fact term="Subprotocol" value={summary.protocol} />}
        {!isLine && <Fact term="Extensions" value={summary.extensions || undefined} />}
        <Fact
          term="Frames"
          value={`↑ ${formatCount(frames.client)}, ↓ ${formatCount(frames.server)}`}
        />
        <Fact term="Pings answered" value={formatTrips(summary)} />
        <Fact term="Errors, gaps" value={`${formatCount(errors)}, ${formatCount(gaps)}`} />
        <Fact term="End" value={summary.closed} />
      </dl>
    </>
  );
}

function spanOf(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : `after ${formatSpan(seconds * 1000)}`;
}
