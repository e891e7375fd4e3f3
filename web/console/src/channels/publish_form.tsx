// One line of text, or of JSON, and the button that publishes it.

import { useSignal } from "@preact/signals";
import { readData } from "./data.ts";
import type { ChannelsDesk } from "./desk.ts";
import { Trouble } from "./trouble.tsx";

export function PublishForm(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  const text = useSignal("");
  const { isJson } = readData(text.value);
  const kind = desk.line.value.kind;
  function submit(event: Event) {
    event.preventDefault();
    if (text.value === "") return;
    desk.publish(text.value);
    text.value = "";
  }
  return (
    <form class="publish" onSubmit={submit}>
      <div class="say">
        <div class="field">
          <label class="off-screen" for="channels-input">
            Publish, as text or JSON
          </label>
          <input
            id="channels-input"
            data-testid="channels-input"
            type="text"
            autocomplete="off"
            enterkeyhint="send"
            placeholder="Text, or JSON"
            aria-describedby="channels-published"
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
        </div>
        <button
          type="submit"
          class="primary"
          data-testid="channels-publish"
          disabled={kind === "closed" || kind === "idle"}
        >
          Publish
        </button>
      </div>
      <p id="channels-published" class="note" role="status" data-testid="channels-published">
        {isJson ? "This goes out as JSON." : statusOf(desk)}
      </p>
      <Trouble advice={desk.refused.value} testId="channels-refused" />
    </form>
  );
}

function statusOf(desk: ChannelsDesk): string {
  const { length } = desk.waiting.value;
  // What is answered at once need not be told to wait.
  if (length > 0 && desk.line.value.kind !== "open") {
    return length === 1 ? "1 waits for the line." : `${length} wait for the line.`;
  }
  return desk.published.value;
}
