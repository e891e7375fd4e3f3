// The key, which stays in the memory of the page.

import { useSignal } from "@preact/signals";
import type { Desk } from "./desk.ts";

export function KeyForm(props: { desk: Desk }) {
  const { desk } = props;
  const key = useSignal("");
  function submit(event: Event) {
    event.preventDefault();
    if (key.value !== "") desk.open(key.value.trim());
  }
  return (
    <div class="key">
      <div class="stage-title">
        <h2>Devices</h2>
        <p>Who is on line, what waits for whom, and a message to one of them.</p>
      </div>
      <form class="card key-form" onSubmit={submit}>
        <div class="say">
          <div class="field">
            <label for="key">API key</label>
            <input
              id="key"
              data-testid="key"
              type="password"
              autocomplete="off"
              spellcheck={false}
              aria-invalid={desk.problem.value !== ""}
              aria-describedby="key-problem key-note"
              value={key.value}
              onInput={(event) => (key.value = event.currentTarget.value)}
            />
          </div>
          <button type="submit" class="primary" data-testid="key-open">
            Open
          </button>
        </div>
        <p id="key-problem" class="problem" role="alert" data-testid="key-problem">
          {desk.problem.value}
        </p>
        <p id="key-note" class="note">
          One of the keys in <code>operator.api_key_file</code>. It is kept until the page is
          closed.
        </p>
      </form>
    </div>
  );
}
