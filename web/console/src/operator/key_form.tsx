// The key, which stays in the memory of the page.

import { useSignal } from "@preact/signals";
import { Field } from "../parts/field.tsx";
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
          <Field
            id="key"
            label="API key"
            isSecret
            text={key}
            problem={desk.problem.value}
            describedBy="key-problem key-note"
          />
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
