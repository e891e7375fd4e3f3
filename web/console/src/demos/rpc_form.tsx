// What to ask by JSON-RPC, and whom.

import { useSignal } from "@preact/signals";
import type { Line } from "../line.ts";
import { AreaField, Field } from "../parts/field.tsx";
import { type Call, parseParams } from "./rpc_calls.ts";

/** The path of the service. */
export function RpcPath(props: { path: string; turnTo: (path: string) => void }) {
  const { turnTo } = props;
  const path = useSignal(props.path);
  function submit(event: Event) {
    event.preventDefault();
    turnTo(path.value.startsWith("/") ? path.value : `/${path.value}`);
  }
  return (
    <form class="say" onSubmit={submit}>
      <Field id="rpc-path" label="Path" text={path} />
      <button type="submit" class="plain" data-testid="rpc-turn">
        Go there
      </button>
    </form>
  );
}

/** A method and its params. */
export function RpcForm(props: { line: Line; ask: (call: Call) => boolean }) {
  const { line, ask } = props;
  const method = useSignal("");
  const params = useSignal("");
  const problem = useSignal("");
  function submit(event: Event) {
    event.preventDefault();
    const read = parseParams(params.value);
    problem.value = "why" in read ? read.why : "";
    if ("params" in read && method.value !== "") {
      ask({ method: method.value.trim(), params: read.params });
    }
  }
  return (
    <form class="rpc-form" onSubmit={submit}>
      <Field id="rpc-method" label="Method" text={method} placeholder="eth_blockNumber" />
      <div class="say">
        <AreaField
          id="rpc-params"
          label="Params, as JSON"
          text={params}
          isCode
          placeholder='["newHeads"]'
          problem={problem.value}
          describedBy="rpc-problem"
        />
        <button
          type="submit"
          class="primary"
          data-testid="rpc-call"
          disabled={line.state.value.kind !== "open" || method.value.trim() === ""}
        >
          Call
        </button>
      </div>
      <p id="rpc-problem" class="problem" role="alert" data-testid="rpc-problem">
        {problem.value}
      </p>
    </form>
  );
}
