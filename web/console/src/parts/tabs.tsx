// The tabs, one for each demo, each with a lamp for the state of its line.

import type { ReadonlySignal } from "@preact/signals";
import type { LineState } from "../line.ts";
import { DEMOS, type DemoName, show, shownDemo } from "../selection.ts";

/** What the lamps show. */
type Lamps = Readonly<Record<DemoName, ReadonlySignal<Pick<LineState, "kind">>>>;

/** Spec: the tabs pattern of the ARIA Authoring Practices, with automatic activation. */
export function Tabs(props: { states: Lamps }) {
  return (
    <div class="tabs">
      <div role="tablist" aria-label="Demos" onKeyDown={walk}>
        {DEMOS.map((name) => (
          <Tab key={name} name={name} state={props.states[name]} />
        ))}
      </div>
    </div>
  );
}

function Tab(props: { name: DemoName; state: Lamps[DemoName] }) {
  const { name, state } = props;
  const selected = shownDemo.value === name;
  return (
    <button
      type="button"
      role="tab"
      id={`tab-${name}`}
      data-testid={`tab-${name}`}
      aria-controls={`panel-${name}`}
      aria-selected={selected}
      tabIndex={selected ? 0 : -1}
      onClick={() => show(name)}
    >
      <span class="lamp" data-state={state.value.kind} aria-hidden="true" />
      {name}
    </button>
  );
}

function walk(event: KeyboardEvent) {
  const target = destination(event.key, DEMOS.indexOf(shownDemo.value));
  if (target === undefined) return;
  event.preventDefault();
  show(target);
  document.getElementById(`tab-${target}`)?.focus();
}

function destination(key: string, from: number): DemoName | undefined {
  switch (key) {
    case "ArrowRight":
      return DEMOS[(from + 1) % DEMOS.length];
    case "ArrowLeft":
      return DEMOS.at(from - 1);
    case "Home":
      return DEMOS[0];
    case "End":
      return DEMOS.at(-1);
    default:
      return undefined;
  }
}
