// The panel of logs: a filter, their lines, and the whole of one of them.

import { useSignal } from "@preact/signals";
import { formatCount } from "../../quantities.ts";
import { ChosenLine } from "../chosen_line.tsx";
import { LineList } from "../line_list.tsx";
import { LineState } from "../line_state.tsx";
import { LinesTools } from "../lines_tools.tsx";
import type { TailDesk } from "./desk.ts";
import type { Filter } from "./wire.ts";

export function TailPanel(props: { desk: TailDesk }) {
  const { desk } = props;
  const chosen = useSignal<number | undefined>(undefined);
  const sources = desk.sources.value;
  return (
    <div class="bridge-work">
      <section class="card bridge-card" aria-label="Log">
        <div class="bridge-bar">
          <LineState line={desk.line} />
          <p class="badges" data-testid="sources">
            {sources.map((name, number) => (
              <span key={name} class="badge" data-source={number % 6}>
                {name}
              </span>
            ))}
          </p>
          <p class="note bridge-count" data-testid="count">
            {formatCount(desk.count.value)} {desk.count.value === 1 ? "line" : "lines"}
          </p>
          <LinesTools lines={desk.lines} />
        </div>
        <FilterForm desk={desk} />
        {desk.problem.value !== "" && (
          <p class="problem" role="alert" data-testid="filter-problem">
            {desk.problem.value}
          </p>
        )}
        <LineList
          lines={desk.lines}
          label="Lines of the log"
          testId="lines"
          empty="No lines yet."
          names={sources}
          chosen={chosen}
        />
        <ChosenLine lines={desk.lines} chosen={chosen} />
      </section>
    </div>
  );
}

/** What is to be seen; the server is told when it is sent, or emptied. */
function FilterForm(props: { desk: TailDesk }) {
  const { desk } = props;
  const text = useSignal("");
  const isRegex = useSignal(false);
  const isInForce = desk.filter.value.kind !== "none";
  function submit(event: Event) {
    event.preventDefault();
    const kind: Filter["kind"] = isRegex.value ? "regex" : "contains";
    if (text.value !== "") desk.setFilter({ kind, text: text.value });
    else if (isInForce) desk.setFilter({ kind: "none" });
  }
  return (
    <form class="filter" onSubmit={submit}>
      <input
        type="text"
        aria-label="Filter"
        placeholder={isRegex.value ? "Regular expression" : "Text that lines contain"}
        data-testid="filter-text"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <label class="check">
        <input
          type="checkbox"
          data-testid="filter-regex"
          checked={isRegex.value}
          onChange={(event) => {
            isRegex.value = event.currentTarget.checked;
          }}
        />
        <span>Expression</span>
      </label>
      <button type="submit" class="plain" data-testid="filter-set">
        Filter
      </button>
      {isInForce && (
        <button
          type="button"
          class="quiet"
          data-testid="filter-none"
          onClick={() => {
            text.value = "";
            desk.setFilter({ kind: "none" });
          }}
        >
          Show all
        </button>
      )}
    </form>
  );
}
