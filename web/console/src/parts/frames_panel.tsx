// The view of the frames of one line: its tools, the rows, and the row that is looked at.

import { useSignal } from "@preact/signals";
import { useCallback } from "preact/hooks";
import { copyText } from "../clipboard.ts";
import { formatRow, MAX_ROWS, type PayloadView, type Row } from "../frames.ts";
import type { Journal } from "../journal.ts";
import type { DemoName } from "../selection.ts";
import { FrameDetail } from "./frame_detail.tsx";
import { FrameList } from "./frame_list.tsx";

export function FramesPanel(props: { name: DemoName; journal: Journal }) {
  const { name, journal } = props;
  const view = useSignal<PayloadView>("text");
  const selected = useSignal<Row | undefined>(undefined);
  const select = useCallback((row: Row) => {
    selected.value = row;
  }, []);
  const { rows, dropped } = journal.shown.value;
  return (
    <section class="card frames" aria-labelledby={`frames-title-${name}`}>
      <div class="frames-head">
        <h3 id={`frames-title-${name}`}>Frames</h3>
        <ViewChoice name={name} view={view.value} choose={(next) => (view.value = next)} />
        <Tools name={name} journal={journal} view={view.value} />
      </div>
      <FrameList
        name={name}
        rows={rows}
        view={view.value}
        selected={selected.value?.id}
        select={select}
      />
      {dropped > 0 && (
        <p class="note">
          The newest {MAX_ROWS} rows are kept; {dropped} older ones are gone.
        </p>
      )}
      <FrameDetail name={name} row={selected.value} view={view.value} />
      <p class="note">
        A browser shows whole messages only: fragments, pings and pongs stay hidden from the page.
        Lengths are those before compression, and where permessage-deflate is agreed nobody tells
        the page which messages had RSV1 set.
      </p>
    </section>
  );
}

function ViewChoice(props: {
  name: DemoName;
  view: PayloadView;
  choose: (view: PayloadView) => void;
}) {
  return (
    <fieldset class="choice">
      <legend class="off-screen">Show payloads as</legend>
      {(["text", "hex"] as const).map((view) => (
        <label key={view}>
          <input
            type="radio"
            name={`view-${props.name}`}
            data-testid={`view-${view}-${props.name}`}
            checked={props.view === view}
            onChange={() => props.choose(view)}
          />
          <span>{view === "text" ? "Text" : "Hex"}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Tools(props: { name: DemoName; journal: Journal; view: PayloadView }) {
  const { name, journal, view } = props;
  const said = useSignal("");
  async function copy() {
    const rows = journal.shown.value.rows;
    const copied = await copyText(rows.map((row) => formatRow(row, view)).join("\n"));
    said.value = copied ? `${rows.length} rows copied` : "copying is not allowed here";
  }
  const paused = journal.paused.value;
  const waiting = journal.waiting.value;
  return (
    <div class="tools">
      <span class="note" role="status">
        {paused ? `${waiting} waiting` : said.value}
      </span>
      <button
        type="button"
        class="quiet"
        aria-pressed={paused}
        data-testid={`pause-${name}`}
        onClick={() => (paused ? journal.resume() : journal.pause())}
      >
        {paused ? "Resume" : "Pause"}
      </button>
      <button
        type="button"
        class="quiet"
        data-testid={`clear-${name}`}
        onClick={() => journal.clear()}
      >
        Clear
      </button>
      <button type="button" class="quiet" data-testid={`copy-${name}`} onClick={copy}>
        Copy
      </button>
    </div>
  );
}
