// The lines of a log as a list that makes only the rows in sight, and follows its end.

import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { levelOf } from "./level.ts";
import type { Lines, LogLine } from "./lines.ts";
import { Spans } from "./spans.tsx";
import { sightOf } from "./window.ts";

/** The height of a row, as the style sheet has it. */
const ROW_PX = 20;

// Rounding and zoom leave a little between the end and where a browser stops.
const SLACK_PX = 24;

export function LineList(props: {
  lines: Lines;
  label: string;
  testId: string;
  empty: string;
  /** The names of the sources, where there are several. */
  names: readonly string[];
  /** The number of the line that is looked at. */
  chosen: Signal<number | undefined>;
}) {
  const { lines, chosen } = props;
  const list = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const top = useSignal(0);
  const height = useSignal(0);
  const { first, end } = lines.shown.value;
  const lastFirst = useRef(first);
  const isFollowing = !lines.paused.value;
  const sight = useComputed(() => {
    const { first: from, end: to } = lines.shown.value;
    return sightOf(to - from, ROW_PX, top.value, height.value);
  }).value;

  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
      if (!lines.paused.value) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [lines, height]);

  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    if (isFollowing) {
      element.scrollTop = element.scrollHeight;
    } else if (first !== lastFirst.current) {
      // What stood in sight stays where it was.
      element.scrollTop -= (first - lastFirst.current) * ROW_PX;
    }
    lastFirst.current = first;
    lastTop.current = element.scrollTop;
    top.value = element.scrollTop;
  }, [first, end, isFollowing, top]);

  function scrolled() {
    const element = list.current;
    if (element === null || element.clientHeight === 0) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    // Whoever scrolls up wants to read: the list stands still from then on.
    if (element.scrollTop < lastTop.current && below > SLACK_PX) lines.pause();
    lastTop.current = element.scrollTop;
    top.value = element.scrollTop;
  }

  const rows = [];
  for (let index = sight.from; index < Math.min(sight.to, end - first); index += 1) {
    const number = first + index;
    const line = lines.at(number);
    if (line === undefined) continue;
    rows.push(<Row key={number} number={number} line={line} names={props.names} chosen={chosen} />);
  }
  return (
    // Focusable, so that the keyboard can scroll it.
    <div
      ref={list}
      class="lines"
      role="log"
      // A reader of thousands of lines a second would be of no help.
      aria-live="off"
      aria-label={props.label}
      data-testid={props.testId}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
      tabIndex={0}
      onScroll={scrolled}
    >
      {first === end && <p class="log-empty">{props.empty}</p>}
      <div class="lines-space" style={{ height: `${(end - first) * ROW_PX}px` }}>
        <div class="lines-sight" style={{ transform: `translateY(${sight.from * ROW_PX}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}

function Row(props: {
  number: number;
  line: LogLine;
  names: readonly string[];
  chosen: Signal<number | undefined>;
}) {
  const { number, line, names, chosen } = props;
  const isChosen = chosen.value === number;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the whole of a line is a comfort; its text is in the list.
    // biome-ignore lint/a11y/noStaticElementInteractions: as above.
    <div
      class="row"
      data-kind={line.kind}
      data-level={line.kind === "line" ? levelOf(line.text) : undefined}
      data-source={line.source < 0 ? undefined : line.source % 6}
      data-chosen={isChosen}
      onClick={() => {
        // Who marks text does not choose.
        if (getSelection()?.isCollapsed !== false) chosen.value = isChosen ? undefined : number;
      }}
    >
      {names.length > 1 && line.source >= 0 && <span class="row-source">{names[line.source]}</span>}
      <span class="row-text">
        <Spans text={line.text} />
      </span>
    </div>
  );
}
