// Where a lasting line stands, as a lamp and a few words, and what to do about it.

import { describeClose } from "../frames.ts";
import type { LastingLine, LastingState } from "./lasting_line.ts";

/** `isOver`: what it led to is gone, and asking again would be of no use. */
export function LineState(props: { line: LastingLine; isOver?: boolean }) {
  const { line } = props;
  const state = line.state.value;
  return (
    <div class="line-now">
      <span class="lamp" data-state={lampOf(state)} aria-hidden="true" />
      <p role="status" data-testid="line-state" data-state={state.kind}>
        {describe(state)}
      </p>
      {(state.kind === "ended" || state.kind === "waiting") && !props.isOver && (
        <button type="button" class="plain" data-testid="line-connect" onClick={line.connect}>
          {state.kind === "ended" ? "Connect again" : "Ask now"}
        </button>
      )}
    </div>
  );
}

function lampOf(state: LastingState): string {
  return state.kind === "waiting" ? "connecting" : state.kind;
}

function describe(state: LastingState): string {
  switch (state.kind) {
    case "connecting":
      return "connecting";
    case "ended":
      if (state.reason !== "") return `${state.reason} (${state.code})`;
      return state.wasOpen
        ? `closed: ${describeClose(state.code, "")}`
        : "the server refused the line";
    case "idle":
      return "not connected";
    case "open":
      return "open";
    case "waiting":
      return state.reason === "" ? "lost, coming back" : `${state.reason}; it is asked again soon`;
  }
}
