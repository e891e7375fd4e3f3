// The counter: one number that everybody on the line shares.

import { type ReadonlySignal, signal } from "@preact/signals";
import { createLine, type Line } from "../line.ts";
import { Stage } from "../parts/stage.tsx";
import { type CounterAction, formatCounterAction, parseCounterNews } from "../wire.ts";

/** The counter's line, and what it said last. */
export interface CounterDemo {
  readonly line: Line;
  readonly value: ReadonlySignal<number | undefined>;
  readonly users: ReadonlySignal<number | undefined>;
}

export function createCounter(url: string): CounterDemo {
  const value = signal<number | undefined>(undefined);
  const users = signal<number | undefined>(undefined);
  const line = createLine(url, {
    message(payload) {
      const news = typeof payload === "string" ? parseCounterNews(payload) : undefined;
      if (news?.type === "state") value.value = news.value;
      if (news?.type === "users") users.value = news.count;
    },
    closed() {
      // Without a line nobody knows what the others do.
      value.value = undefined;
      users.value = undefined;
    },
  });
  return { line, value, users };
}

export function Counter(props: { demo: CounterDemo }) {
  const { line, value, users } = props.demo;
  return (
    <Stage
      name="counter"
      title="Counter"
      lead="One number for everybody on this line. Open the page twice to see it move."
      line={line}
    >
      <section class="card counter" aria-label="Counter">
        <Step line={line} action="minus" label="One less" sign="−" />
        <output class="counter-value" aria-label="Value" data-testid="counter-value">
          {value.value ?? "–"}
        </output>
        <Step line={line} action="plus" label="One more" sign="+" />
        <p class="counter-users" aria-live="polite">
          <strong data-testid="counter-users">{users.value ?? "–"}</strong>{" "}
          {users.value === 1 ? "person is" : "people are"} online
        </p>
      </section>
    </Stage>
  );
}

function Step(props: { line: Line; action: CounterAction; label: string; sign: string }) {
  const { line, action } = props;
  return (
    <button
      type="button"
      class="plain step"
      aria-label={props.label}
      data-testid={`counter-${action}`}
      disabled={line.state.value.kind !== "open"}
      onClick={() => line.send(formatCounterAction(action))}
    >
      {props.sign}
    </button>
  );
}
