// A console for JSON-RPC: calls, their answers, and what the server pushes.

import { type ReadonlySignal, signal } from "@preact/signals";
import { createLine, type Line } from "../line.ts";
import { createLog, type Log } from "../log.ts";
import { LogView } from "../parts/log_view.tsx";
import { Stage } from "../parts/stage.tsx";
import { formatSpan } from "../quantities.ts";
import { type Call, type Calls, createCalls, type RpcNews } from "./rpc_calls.ts";
import { RpcForm, RpcPath } from "./rpc_form.tsx";

/** The console's line, which leads to one path at a time, and what came back. */
export interface RpcDemo {
  readonly line: ReadonlySignal<Line>;
  readonly path: ReadonlySignal<string>;
  readonly news: Log<RpcNews>;
  ask(call: Call): boolean;
  /** Leaves the line there is, and leads to another path. */
  turnTo(path: string): void;
}

const DEFAULT_PATH = "/rpc";

export function createRpc(base: string): RpcDemo {
  const news = createLog<RpcNews>();
  const path = signal(DEFAULT_PATH);
  let calls: Calls;
  const line = signal(open(DEFAULT_PATH));

  function open(to: string): Line {
    // Of this line alone: the one before may still be closing, and then forgets its own.
    const own = createCalls();
    calls = own;
    return createLine(base + to, {
      message(payload) {
        if (typeof payload !== "string") return;
        for (const one of own.hear(payload, performance.now())) news.add(one);
      },
      closed: () => own.forget(),
    });
  }

  return {
    line,
    path,
    news,
    ask: (call) => line.value.send(calls.ask(call, performance.now())),
    turnTo(to) {
      if (to === path.value) return;
      line.value.disconnect();
      path.value = to;
      line.value = open(to);
    },
  };
}

export function Rpc(props: { demo: RpcDemo }) {
  const { demo } = props;
  const line = demo.line.value;
  return (
    <Stage
      name="rpc"
      title="JSON-RPC"
      lead="Calls to a service of the kind “rpc”, and what it pushes to its subscribers."
      line={line}
    >
      <section class="card talk" aria-label="JSON-RPC">
        <RpcPath path={demo.path.value} turnTo={demo.turnTo} />
        <RpcForm line={line} ask={demo.ask} />
        <LogView
          label="Answers"
          testId="rpc-log"
          empty="Nothing was answered yet."
          entries={demo.news.entries}
        >
          {(news) => <News news={news} />}
        </LogView>
      </section>
    </Stage>
  );
}

function News(props: { news: RpcNews }) {
  const { news } = props;
  return (
    <>
      <span class="reply bytes">{news.text}</span>
      <span class="reply-facts">
        {news.kind === "unasked" ? "nobody asked for this" : news.method}
        {"span" in news && `, ${formatSpan(news.span)}`}
        <span class="verdict" data-verdict={news.kind === "error" ? "different" : "identical"}>
          {news.kind}
        </span>
      </span>
    </>
  );
}
