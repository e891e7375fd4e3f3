// What the page knows of logs: their newest lines, their names, and the filter that the server applies.

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Bridge, lineUrl } from "../entrance.ts";
import { createLastingLine, type LastingLine, type Means } from "../lasting_line.ts";
import { createLines, type Lines, type LogLine } from "../lines.ts";
import { type Filter, formatFilter, parseTailNews } from "./wire.ts";

/** Logs, whoever shows them. */
export interface TailDesk {
  readonly line: LastingLine;
  readonly lines: Lines;
  /** The names of the sources; a line has the number of its own. */
  readonly sources: ReadonlySignal<readonly string[]>;
  readonly filter: ReadonlySignal<Filter>;
  /** Lines heard so far. */
  readonly count: ReadonlySignal<number>;
  /** Why the server did not take the last filter. */
  readonly problem: ReadonlySignal<string>;
  setFilter(filter: Filter): void;
}

/** Stands for every source where a gap is of all of them. */
const ALL = "*";

export function createTailDesk(bridge: Bridge, means?: Means): TailDesk {
  const lines = createLines();
  const sources = signal<readonly string[]>([]);
  const filter = signal<Filter>({ kind: "none" });
  const count = signal(0);
  const problem = signal("");
  /** The filter before the one that was asked for last. */
  let accepted = filter.value;
  let wasOpen = false;

  function numberOf(source: string): number {
    const known = sources.value.indexOf(source);
    if (known >= 0) return known;
    sources.value = [...sources.value, source];
    return sources.value.length - 1;
  }

  function heard(text: string) {
    if (bridge.isText) {
      take(0, [text]);
      return;
    }
    const news = parseTailNews(text);
    if (news?.type === "lines") take(numberOf(news.source), news.lines);
    if (news?.type === "gap") {
      const isOfAll = news.source === ALL;
      const text = isOfAll ? news.reason : `${news.source}: ${news.reason}`;
      add([{ kind: "gap", source: isOfAll ? -1 : numberOf(news.source), text }]);
    }
    if (news?.type === "refused") {
      problem.value = news.reason;
      filter.value = accepted;
      add([{ kind: "note", source: -1, text: "The filter was not taken; it is as it was." }]);
    }
    // Who is named first keeps its number, and so its colour.
    if (news?.type === "sources") for (const name of news.names) numberOf(name);
  }

  function take(source: number, texts: readonly string[]) {
    count.value += texts.length;
    add(texts.map((text) => ({ kind: "line", source, text })));
  }

  function add(more: readonly LogLine[]) {
    lines.add(more);
  }

  const line = createLastingLine(
    () => lineUrl(location, bridge.route),
    {
      opened() {
        if (wasOpen) {
          add([
            {
              kind: "note",
              source: -1,
              text: "The line was lost, and is back: the last lines come again.",
            },
          ]);
        }
        wasOpen = true;
        if (filter.value.kind !== "none") line.send(formatFilter(filter.value));
      },
      message(payload) {
        if (typeof payload === "string") heard(payload);
      },
    },
    means,
  );

  return {
    line,
    lines,
    sources,
    filter,
    count,
    problem,
    setFilter(next) {
      // Of one that was refused, the one before it holds.
      accepted = filter.value;
      filter.value = next;
      problem.value = "";
      line.send(formatFilter(next));
      const what = { none: "all lines", contains: "lines that contain", regex: "lines that match" };
      const words = next.kind === "none" ? what.none : `${what[next.kind]} “${next.text}”`;
      add([{ kind: "note", source: -1, text: `From here on: ${words}.` }]);
    },
  };
}
