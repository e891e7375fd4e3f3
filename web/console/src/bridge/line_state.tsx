// Where a lasting line stands, as a lamp and a few words, and what to do about it.

import { describeClose } from "../frames.ts";
import type { LastingLine, LastingState } from "./lasting_line.ts";

export function LineState(props: { line: LastingLine }) {
  const { line } = props;
  const state = line.state.value;
  return (
    <div class="line-now">
      <span class="lamp" data-state={lampOf(state)} aria-hidden="true" />
      <p role="status" data-testid="line-state" data-state={state.kind}>
        {describe(state)}
      </p>
      {(state.kind === "ended" || state.kind === "waiting") && (
        <button type="button" class="plain" data-testid="line-connect" onClick={line.connect}>
          {state.kind === "ended" ? "Connect again" : "Now"}
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
      if (state.wasOpen) return `closed: ${describeClose(state.code, state.reason)}`;
      return state.reason === "" ? "the server refused the line" : state.reason;
    case "idle":
      return "not connected";
    case "open":
      return "open";
    case "waiting":
      return "lost, coming back";
  }
}
