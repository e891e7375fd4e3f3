// What to ask by JSON-RPC, and whom.

import { useSignal } from "@preact/signals";
import type { Line } from "../line.ts";
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
      <div class="field">
        <label for="rpc-path">Path</label>
        <input
          id="rpc-path"
          data-testid="rpc-path"
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={path.value}
          onInput={(event) => (path.value = event.currentTarget.value)}
        />
      </div>
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
      <div class="field">
        <label for="rpc-method">Method</label>
        <input
          id="rpc-method"
          data-testid="rpc-method"
          type="text"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          placeholder="eth_blockNumber"
          value={method.value}
          onInput={(event) => (method.value = event.currentTarget.value)}
        />
      </div>
      <div class="say">
        <div class="field">
          <label for="rpc-params">Params, as JSON</label>
          <textarea
            id="rpc-params"
            data-testid="rpc-params"
            class="bytes"
            rows={2}
            spellcheck={false}
            placeholder='["newHeads"]'
            aria-invalid={problem.value !== ""}
            aria-describedby="rpc-problem"
            value={params.value}
            onInput={(event) => (params.value = event.currentTarget.value)}
          />
        </div>
        <button
          type="submit"
          class="primary"
          data-testid="rpc-call"
          disabled={line.state.value.kind !== "open" || method.value.trim() === ""}
        >
          Call
        </button>
      </div>
      <p id="rpc-problem" class="problem" role="alert">
        {problem.value}
      </p>
    </form>
  );
}
