// The inspector: what goes over a line, or went over those of a capture, frame by frame and bit by bit.

import { useEffect } from "preact/hooks";
import { formatBytes } from "../quantities.ts";
import { Connections } from "./connections_card.tsx";
import type { InspectorDesk, Source } from "./desk.ts";
import { fits, isOpen } from "./filter.ts";
import { FilterBar } from "./filter_bar.tsx";
import { FrameDetail } from "./frame_detail.tsx";
import { FrameTable } from "./frame_table.tsx";
import { Sources } from "./sources.tsx";
import { Tools } from "./tools.tsx";
import { MAX_ROWS } from "./trace.ts";

export function Inspector(props: { desk: InspectorDesk }) {
  const { desk } = props;
  useEffect(() => desk.start(), [desk]);
  const source = desk.source.value;
  return (
    <div class="inspector">
      <Sources desk={desk} />
      {source !== undefined && <Watched desk={desk} source={source} />}
    </div>
  );
}

function Watched(props: { desk: InspectorDesk; source: Source }) {
  const { desk, source } = props;
  const { rows, dropped, connections, problem } = desk.recorder.shown.value;
  const filter = desk.filter.value;
  const shown = isOpen(filter) ? rows : rows.filter((row) => fits(row, filter));
  const wrong = [desk.problem.value, problem].filter((text) => text !== "").join(" ");
  return (
    <>
      <section class="card frames" aria-labelledby="inspector-title">
        <div class="frames-head">
          <h3 id="inspector-title" data-testid="inspector-title">
            {titleOf(source)}
          </h3>
          <State desk={desk} />
          <Tools desk={desk} shown={shown} />
        </div>
        {wrong !== "" && (
          <p class="problem" role="alert" data-testid="inspector-problem">
            {wrong}
          </p>
        )}
        <FilterBar desk={desk} all={rows.length} shown={shown.length} />
        <FrameTable
          rows={shown}
          all={rows.length}
          chosen={desk.chosen.value}
          choose={desk.choose}
        />
        {dropped > 0 && (
          <p class="note">
            The newest are kept, {MAX_ROWS} at most; {dropped} older ones are gone.
          </p>
        )}
      </section>
      <FrameDetail row={desk.chosen.value} />
      <Connections desk={desk} connections={connections} />
    </>
  );
}

const STATES = { none: "", reading: "open", ended: "closed", failed: "closed" } as const;

function State(props: { desk: InspectorDesk }) {
  const { desk } = props;
  const source = desk.source.value;
  const progress = desk.progress.value;
  const isLine = source?.kind === "line";
  const words = {
    none: "",
    reading: isLine ? "watched" : "being read",
    ended: isLine ? "no longer watched" : "read to its end",
    failed: "failed",
  };
  return (
    <p class="inspector-state" role="status" data-testid="inspector-state">
      <span class="lamp" data-state={STATES[progress]} aria-hidden="true" /> {words[progress]}
      {progress === "reading" && (
        <button type="button" class="quiet" data-testid="inspector-stop" onClick={desk.stop}>
          Stop
        </button>
      )}
    </p>
  );
}

function titleOf(source: Source): string {
  if (source.kind === "capture") return `${source.name}, ${formatBytes(source.bytes)}`;
  const { line, route, from } = source.line;
  return `Line ${line}, ${route}${from === null ? "" : ` from ${from}`}`;
}
