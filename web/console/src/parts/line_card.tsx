// The state of a line, what its handshake agreed, and the button that opens and closes it.

import { closeCode } from "../close_codes.ts";
import { describeClose } from "../frames.ts";
import type { Line, LineState } from "../line.ts";
import { formatBytes } from "../quantities.ts";
import type { DemoName } from "../selection.ts";
import { Fact } from "./fact.tsx";
import { Wire } from "./wire.tsx";

export function LineCard(props: { name: DemoName; line: Line }) {
  const { name, line } = props;
  const state = line.state.value;
  const agreed = line.agreed.value;
  return (
    <section class="card line" aria-label="Line" data-state={state.kind}>
      <div class="line-head">
        <Wire />
        <p class="line-state" role="status" data-testid={`state-${name}`} data-state={state.kind}>
          {describe(state)}
        </p>
        <Switch name={name} line={line} />
      </div>
      <Trouble state={state} />
      <dl class="facts">
        <Fact term="Address" value={line.url} />
        <Fact term="Subprotocol" value={agreed && (agreed.subprotocol || "none")} />
        <Fact term="Extensions" value={agreed && (agreed.extensions || "none")} />
        <Fact term="Buffered" value={formatBytes(line.buffered.value)} />
      </dl>
    </section>
  );
}

function Switch(props: { name: DemoName; line: Line }) {
  const { name, line } = props;
  const kind = line.state.value.kind;
  const down = kind === "closed" || kind === "idle";
  return (
    <button
      type="button"
      class={down ? "primary" : "plain"}
      data-testid={`connect-${name}`}
      disabled={kind === "closing"}
      onClick={() => (down ? line.connect() : line.disconnect())}
    >
      {down ? "Connect" : "Disconnect"}
    </button>
  );
}

function Trouble(props: { state: LineState }) {
  const { state } = props;
  if (state.kind !== "closed" || state.code === 1000) return null;
  return (
    <p class="trouble">
      {state.wasOpen
        ? closeCode(state.code).meaning
        : "There is no server at this address, or it refused the handshake."}
      {!state.wasOpen && location.protocol === "file:" && (
        <> A page from disk has the origin “null”: the server must allow it by name.</>
      )}
    </p>
  );
}

function describe(state: LineState): string {
  switch (state.kind) {
    case "closed":
      return `closed: ${describeClose(state.code, state.reason)}`;
    case "idle":
      return "not connected";
    default:
      return state.kind;
  }
}
