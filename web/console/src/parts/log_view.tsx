// What was heard, as a list that follows its end.

import type { ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Entry } from "../log.ts";
import { formatTime } from "../quantities.ts";
import { useFollow } from "./follow.ts";

export function LogView<T>(props: {
  label: string;
  testId: string;
  empty: string;
  entries: ReadonlySignal<readonly Entry<T>[]>;
  children: (what: T) => ComponentChildren;
}) {
  const list = useRef<HTMLDivElement>(null);
  const entries = props.entries.value;
  const follow = useFollow(list, entries);
  return (
    // Focusable, so that the keyboard can scroll it.
    <div
      ref={list}
      class="log"
      role="log"
      aria-label={props.label}
      data-testid={props.testId}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
      tabIndex={0}
      onScroll={follow.onScroll}
    >
      {entries.length === 0 && <p class="log-empty">{props.empty}</p>}
      {entries.map((entry) => (
        <div class="log-entry" key={entry.id}>
          <time dateTime={entry.at.toISOString()}>{formatTime(entry.at)}</time>
          <div class="log-what">{props.children(entry.what)}</div>
        </div>
      ))}
    </div>
  );
}
