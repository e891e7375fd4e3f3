// The panel of a shell: the counter, a command, and what came of it, for everybody on the line.

import { type ReadonlySignal, signal, useSignal } from "@preact/signals";
import { type Bridge, lineUrl } from "../entrance.ts";
import { createLastingLine, type LastingLine } from "../lasting_line.ts";
import { LineState } from "../line_state.tsx";
import { formatWhen } from "../list.ts";
import { Spans } from "../spans.tsx";
import { formatCommand, formatStep, parseShellNews, type Ran } from "./wire.ts";

/** A shell, whoever shows it. */
export interface ShellDesk {
  readonly line: LastingLine;
  readonly users: ReadonlySignal<number | undefined>;
  readonly value: ReadonlySignal<number | undefined>;
  /** The last command that was run, by whomever. */
  readonly last: ReadonlySignal<Ran | undefined>;
  /** The command that this page has asked for and that has no result yet. */
  readonly asked: ReadonlySignal<string | undefined>;
  run(command: string): void;
}

export function createShellDesk(bridge: Bridge): ShellDesk {
  const users = signal<number | undefined>(undefined);
  const value = signal<number | undefined>(undefined);
  const last = signal<Ran | undefined>(undefined);
  const asked = signal<string | undefined>(undefined);
  const line = createLastingLine(() => lineUrl(location, bridge.route), {
    opened() {
      asked.value = undefined;
    },
    message(payload) {
      const news = typeof payload === "string" ? parseShellNews(payload) : undefined;
      if (news?.type === "users") users.value = news.count;
      if (news?.type === "cmd") {
        last.value = { ...news.ran, at: new Date() };
        if (asked.value === news.ran.command) asked.value = undefined;
      }
      if (news?.type === "state") {
        value.value = news.value;
        last.value = news.last ?? last.value;
      }
    },
  });
  return {
    line,
    users,
    value,
    last,
    asked,
    run(command) {
      if (line.send(formatCommand(command))) asked.value = command;
    },
  };
}

export function ShellPanel(props: { desk: ShellDesk }) {
  const { desk } = props;
  const command = useSignal("");
  const isOpen = desk.line.state.value.kind === "open";
  const last = desk.last.value;
  function run() {
    if (command.value.trim() !== "") desk.run(command.value);
  }
  return (
    <div class="bridge-work">
      <section class="card bridge-card is-short" aria-label="Shell">
        <div class="bridge-bar">
          <LineState line={desk.line} />
          <p class="bridge-title" />
          <p class="note">
            <strong data-testid="shell-users">{desk.users.value ?? "–"}</strong> online
          </p>
        </div>
        <div class="counter">
          <Step desk={desk} action="minus" label="One less" sign="−" />
          <output class="counter-value" aria-label="Value" data-testid="shell-value">
            {desk.value.value ?? "–"}
          </output>
          <Step desk={desk} action="plus" label="One more" sign="+" />
        </div>
        <form
          class="shell-form"
          onSubmit={(event) => {
            event.preventDefault();
            run();
          }}
        >
          <label for="shell-command">Command</label>
          <textarea
            id="shell-command"
            class="bytes"
            data-testid="shell-command"
            rows={2}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            value={command.value}
            onInput={(event) => {
              command.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || !event.ctrlKey) return;
              event.preventDefault();
              run();
            }}
          />
          <button type="submit" class="primary" data-testid="shell-run" disabled={!isOpen}>
            Run
          </button>
          <p class="note">Ctrl-Enter runs it, too. Everybody on this line sees what came of it.</p>
        </form>
        {desk.asked.value !== undefined && (
          <p class="note" role="status" data-testid="shell-asked">
            Running <code>{desk.asked.value}</code>
          </p>
        )}
        {last !== undefined && (
          <div class="shell-result" aria-live="polite">
            <p class="note shell-ran">
              <code data-testid="shell-last">{last.command}</code>
              {last.at !== undefined && (
                <time data-testid="shell-when" dateTime={last.at.toISOString()}>
                  {formatWhen(last.at)}
                </time>
              )}
            </p>
            {last.result === "" && <p class="note">It wrote nothing.</p>}
            <pre data-testid="shell-result">
              {last.result
                .replace(/\n$/, "")
                .split("\n")
                .map((line, index) => (
                  <div key={index}>
                    <Spans text={line} isWhole />
                  </div>
                ))}
            </pre>
          </div>
        )}
      </section>
    </div>
  );
}

function Step(props: { desk: ShellDesk; action: "minus" | "plus"; label: string; sign: string }) {
  const { desk, action } = props;
  return (
    <button
      type="button"
      class="plain step"
      aria-label={props.label}
      data-testid={`shell-${action}`}
      disabled={desk.line.state.value.kind !== "open"}
      onClick={() => desk.line.send(formatStep(action))}
    >
      {props.sign}
    </button>
  );
}
