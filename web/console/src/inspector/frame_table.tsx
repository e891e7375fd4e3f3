// The rows, of which only those in sight are in the document: there may be very many.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ARROWS } from "../frames.ts";
import { useFollow } from "../parts/follow.ts";
import { isNarrow } from "../parts/narrow.ts";
import { formatClock, formatCount } from "../quantities.ts";
import type { Row } from "./rows.ts";

interface Props {
  rows: readonly Row[];
  /** How many there are without the filter. */
  all: number;
  chosen: Row | undefined;
  choose: (row: Row) => void;
}

/** Heights of a row; the style sheet has the same. */
const ROW_PX = { wide: 27, narrow: 48 };

/** Rows drawn above and below those in sight. */
const BEYOND = 12;

/** Spec: the listbox pattern of the ARIA Authoring Practices; one stop for Tab, arrows within. */
export function FrameTable(props: Props) {
  const { rows, all, chosen, choose } = props;
  const list = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const follow = useFollow(list, rows);
  const rowPx = isNarrow.value ? ROW_PX.narrow : ROW_PX.wide;
  function look() {
    if (list.current === null) return;
    top.value = list.current.scrollTop;
    height.value = list.current.clientHeight;
  }
  useLayoutEffect(look, [rows]);
  useEffect(() => {
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);

  const first = Math.max(0, Math.floor(top.value / rowPx) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((top.value + height.value) / rowPx) + BEYOND);
  const at = chosen === undefined ? -1 : placeOf(rows, chosen.id);

  function walk(event: KeyboardEvent) {
    const element = list.current;
    const page = Math.max(1, Math.floor(height.value / rowPx) - 1);
    const target = destination(event.key, at, rows.length, page);
    const row = target === undefined ? undefined : rows[target];
    if (row === undefined || target === undefined || element === null) return;
    event.preventDefault();
    choose(row);
    const above = target * rowPx;
    if (above < element.scrollTop) element.scrollTop = above;
    const below = above + rowPx - element.clientHeight;
    if (below > element.scrollTop) element.scrollTop = below;
  }

  return (
    <div class="frame-table trace">
      <div class="frame-row frame-heads" aria-hidden="true">
        <span class="cell-time">Time</span>
        <span class="cell-direction">From</span>
        <span class="cell-kind">Opcode</span>
        <span class="cell-length">Bytes</span>
        <span class="cell-flags">Flags</span>
        <span class="cell-payload">Payload</span>
      </div>
      <div
        ref={list}
        class="frame-list"
        role="listbox"
        tabIndex={0}
        aria-label="Frames, oldest first"
        aria-activedescendant={at >= first && at < last ? rowId(rows[at]) : undefined}
        data-testid="inspector-frames"
        onKeyDown={walk}
        onScroll={() => {
          follow.onScroll();
          look();
        }}
      >
        {rows.length === 0 && (
          <p class="log-empty">{all === 0 ? "No frame was seen yet." : "No frame is like that."}</p>
        )}
        <div role="presentation" class="trace-rows" style={{ height: `${rows.length * rowPx}px` }}>
          {rows.slice(first, last).map((row, index) => (
            <FrameRow
              key={row.id}
              row={row}
              place={first + index}
              count={rows.length}
              topPx={(first + index) * rowPx}
              isChosen={row.id === chosen?.id}
              choose={choose}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function FrameRow(props: {
  row: Row;
  place: number;
  count: number;
  topPx: number;
  isChosen: boolean;
  choose: (row: Row) => void;
}) {
  const { row, place, count, topPx, isChosen, choose } = props;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the listbox holds the focus for its options.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox hears the keys for its options.
    <div
      id={rowId(row)}
      class="frame-row"
      role="option"
      aria-selected={isChosen}
      aria-posinset={place + 1}
      aria-setsize={count}
      data-direction={directionOf(row)}
      data-wrong={row.isWrong}
      style={{ top: `${topPx}px` }}
      onClick={() => choose(row)}
    >
      <span class="cell-time">{formatClock(row.at)}</span>
      <span class="cell-direction">
        <span aria-hidden="true">{ARROWS[directionOf(row)]}</span> {row.from ?? "both"}
      </span>
      <span class="cell-kind">{row.name}</span>
      <span class="cell-length">{row.length === undefined ? "" : formatCount(row.length)}</span>
      <span class="cell-flags">{row.flags}</span>
      <span class="cell-payload">{row.shown}</span>
    </div>
  );
}

/** Which way a row went, as the rest of the page calls it: here a client is at this end. */
export function directionOf({ from }: Row): "none" | "received" | "sent" {
  return from === undefined ? "none" : from === "client" ? "sent" : "received";
}

/** Where a row stands; −1 where it does not. Ids rise. */
function placeOf(rows: readonly Row[], id: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.id ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return rows[low]?.id === id ? low : -1;
}

/** The index a key leads to; −1 stands for "no row yet". */
function destination(key: string, from: number, count: number, page: number): number | undefined {
  const last = count - 1;
  const by = (rows: number) => (from < 0 ? last : Math.min(last, Math.max(0, from + rows)));
  switch (key) {
    case "ArrowDown":
      return by(1);
    case "ArrowUp":
      return by(-1);
    case "PageDown":
      return by(page);
    case "PageUp":
      return by(-page);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return undefined;
  }
}

function rowId(row: Row | undefined): string {
  return `trace-${row?.id}`;
}
