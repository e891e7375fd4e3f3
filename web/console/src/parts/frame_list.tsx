// The rows of a line, one of which can be looked at more closely.

import { useMemo, useRef } from "preact/hooks";
import {
  ARROWS,
  formatKind,
  formatMask,
  formatPayload,
  isDoubtful,
  isFrame,
  type PayloadView,
  type Row,
  WORDS,
} from "../frames.ts";
import { formatClock, formatCount } from "../quantities.ts";
import type { DemoName } from "../selection.ts";
import { useFollow } from "./follow.ts";

interface Props {
  name: DemoName;
  rows: readonly Row[];
  view: PayloadView;
  selected: number | undefined;
  select: (row: Row) => void;
}

/** Spec: the listbox pattern of the ARIA Authoring Practices; one stop for Tab, arrows within. */
export function FrameList(props: Props) {
  const { name, rows, view, selected, select } = props;
  const list = useRef<HTMLDivElement>(null);
  const follow = useFollow(list, rows);
  const present = rows.some((row) => row.id === selected);
  return (
    <div class="frame-table">
      <div class="frame-row frame-heads" aria-hidden="true">
        <span class="cell-time">Time</span>
        <span class="cell-direction">Direction</span>
        <span class="cell-kind">Opcode</span>
        <span class="cell-length">Bytes</span>
        <span class="cell-flags">Flags</span>
        <span class="cell-mask">Mask</span>
        <span class="cell-payload">Payload</span>
      </div>
      <div
        ref={list}
        class="frame-list"
        role="listbox"
        tabIndex={0}
        aria-label="Frames, oldest first"
        aria-activedescendant={present ? rowId(name, selected) : undefined}
        data-testid={`frames-${name}`}
        onKeyDown={(event) => walk(event, props)}
        onScroll={follow.onScroll}
      >
        {rows.length === 0 && <p class="log-empty">Nothing has gone over this line yet.</p>}
        {rows.map((row) => (
          <FrameRow
            key={row.id}
            id={rowId(name, row.id)}
            row={row}
            view={view}
            selected={row.id === selected}
            select={select}
          />
        ))}
      </div>
    </div>
  );
}

function FrameRow(props: {
  id: string;
  row: Row;
  view: PayloadView;
  selected: boolean;
  select: (row: Row) => void;
}) {
  const { id, row, view, selected, select } = props;
  // Rows never change, and a busy line redraws the list often: an old row costs nothing this way.
  return useMemo(
    () => (
      // biome-ignore lint/a11y/useFocusableInteractive: the listbox holds the focus for its options.
      // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox hears the keys for its options.
      <div
        id={id}
        class="frame-row"
        role="option"
        aria-selected={selected}
        data-direction={row.direction}
        data-opcode={row.kind}
        onClick={() => select(row)}
      >
        <span class="cell-time">{formatClock(row.at)}</span>
        <span class="cell-direction">
          <span aria-hidden="true">{ARROWS[row.direction]}</span> {WORDS[row.direction]}
        </span>
        <span class="cell-kind">{formatKind(row)}</span>
        <span class="cell-length">{isFrame(row) ? formatCount(row.length) : ""}</span>
        <Flags row={row} />
        <span class="cell-mask">{formatMask(row)}</span>
        <span class="cell-payload">{formatPayload(row, view)}</span>
      </div>
    ),
    [id, row, view, selected, select],
  );
}

function Flags(props: { row: Row }) {
  const { row } = props;
  if (!isFrame(row)) return <span class="cell-flags" />;
  return (
    <span class="cell-flags">
      FIN
      {isDoubtful(row) && (
        <span class="doubt" title="RSV1 may be set">
          {" RSV1?"}
        </span>
      )}
    </span>
  );
}

function walk(event: KeyboardEvent, props: Props) {
  const { name, rows, selected, select } = props;
  const from = rows.findIndex((row) => row.id === selected);
  const target = destination(event.key, from, rows.length);
  const row = target === undefined ? undefined : rows[target];
  if (row === undefined) return;
  event.preventDefault();
  select(row);
  document.getElementById(rowId(name, row.id))?.scrollIntoView({ block: "nearest" });
}

/** The index a key leads to; −1 stands for "no row yet". */
function destination(key: string, from: number, count: number): number | undefined {
  const last = count - 1;
  switch (key) {
    case "ArrowDown":
      return from < 0 ? last : Math.min(from + 1, last);
    case "ArrowUp":
      return from < 0 ? last : Math.max(from - 1, 0);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return undefined;
  }
}

function rowId(name: DemoName, id: number | undefined): string {
  return `row-${name}-${id}`;
}
