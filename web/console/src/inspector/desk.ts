// What the inspector looks at: a line of the server, or a capture; and what was told of it.

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Api, type LineInfo, Refused } from "../operator/api.ts";
import { whileSeen } from "../operator/while_seen.ts";
import { readEvent } from "./events.ts";
import { EVERYTHING, type Filter } from "./filter.ts";
import { eachLine } from "./lines.ts";
import type { Row } from "./rows.ts";
import { createRecorder, type Recorder } from "./trace.ts";

/** What is looked at. */
export type Source =
  | { readonly kind: "capture"; readonly name: string; readonly bytes: number }
  | { readonly kind: "line"; readonly line: LineInfo };

/** How far that is. */
export type Progress = "ended" | "failed" | "none" | "reading";

/** The state of the inspector. */
export interface InspectorDesk {
  /** The lines that can be watched; undefined before the first answer. */
  readonly lines: ReadonlySignal<readonly LineInfo[] | undefined>;
  readonly hasMore: ReadonlySignal<boolean>;
  readonly source: ReadonlySignal<Source | undefined>;
  readonly progress: ReadonlySignal<Progress>;
  /** What went wrong; empty where nothing did. */
  readonly problem: ReadonlySignal<string>;
  readonly recorder: Recorder;
  readonly filter: ReadonlySignal<Filter>;
  readonly chosen: ReadonlySignal<Row | undefined>;
  narrow(filter: Partial<Filter>): void;
  choose(row: Row | undefined): void;
  more(): void;
  /** Watches a line from now on. */
  watch(line: LineInfo): Promise<void>;
  /** Has the server read a capture. */
  read(file: File): Promise<void>;
  /** Looks at nothing more; what was told stays. */
  stop(): void;
  /** Asks for the lines while somebody looks; what it answers ends that. */
  start(): () => void;
}

type Asks = Pick<Api, "frames" | "inspect" | "lines">;

const EVERY_MS = 3000;

export function createInspector(api: Asks, page?: Document): InspectorDesk {
  const lines = signal<readonly LineInfo[] | undefined>(undefined);
  const hasMore = signal(false);
  const source = signal<Source | undefined>(undefined);
  const progress = signal<Progress>("none");
  const problem = signal("");
  const filter = signal(EVERYTHING);
  const chosen = signal<Row | undefined>(undefined);
  const recorder = createRecorder();
  let pages = 1;
  let asking: AbortController | undefined;

  async function list() {
    try {
      const found: LineInfo[] = [];
      let next: number | undefined;
      for (let page = 0; page < pages; page += 1) {
        const some = await api.lines(next);
        found.push(...some.lines);
        next = some.next ?? undefined;
        if (next === undefined) break;
      }
      lines.value = found;
      hasMore.value = next !== undefined;
    } catch (error) {
      problem.value = reason(error);
    }
  }

  /** Reads an answer to its end, unless another is asked for. */
  async function follow(what: Source, ask: (signal: AbortSignal) => Promise<Response>) {
    asking?.abort();
    const own = new AbortController();
    asking = own;
    recorder.clear();
    recorder.resume();
    source.value = what;
    chosen.value = undefined;
    filter.value = EVERYTHING;
    problem.value = "";
    progress.value = "reading";
    try {
      const { body } = await ask(own.signal);
      if (body === null) throw new Refused(0, "The answer is empty.");
      const tooLong = await eachLine(body, (line) => {
        const event = readEvent(line);
        if (event !== undefined && own === asking) recorder.add(event);
      });
      if (own !== asking) return;
      progress.value = "ended";
      if (tooLong > 0) problem.value = `${tooLong} events are too long to be shown.`;
    } catch (error) {
      if (own !== asking || own.signal.aborted) return;
      progress.value = "failed";
      problem.value = reason(error);
    }
  }

  return {
    lines,
    hasMore,
    source,
    progress,
    problem,
    recorder,
    filter,
    chosen,
    narrow(some) {
      filter.value = { ...filter.value, ...some };
    },
    choose(row) {
      chosen.value = row;
    },
    more() {
      pages += 1;
      void list();
    },
    watch: (line) => follow({ kind: "line", line }, (signal) => api.frames(line.line, signal)),
    read: (file) =>
      follow({ kind: "capture", name: file.name, bytes: file.size }, (signal) =>
        api.inspect(file, signal),
      ),
    stop() {
      if (progress.value === "reading") progress.value = "ended";
      asking?.abort();
    },
    start: () => whileSeen(list, EVERY_MS, page),
  };
}

function reason(error: unknown): string {
  if (error instanceof Refused) return error.message;
  // What a stream says that ends in the middle is the browser's, and tells nothing.
  return error instanceof TypeError ? "The connection to the server is lost." : String(error);
}
