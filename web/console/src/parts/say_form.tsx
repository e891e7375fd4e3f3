// One line of text and the button that sends it.

import { useState } from "preact/hooks";
import type { Line } from "../line.ts";
import type { DemoName } from "../selection.ts";

export function SayForm(props: {
  name: DemoName;
  label: string;
  line: Line;
  /** Sends the text; answers whether it went out. */
  say: (text: string) => boolean;
}) {
  const { name, line, say } = props;
  const [text, setText] = useState("");
  function submit(event: Event) {
    event.preventDefault();
    if (text !== "" && say(text)) setText("");
  }
  return (
    <form class="say" onSubmit={submit}>
      <label class="off-screen" for={`${name}-say`}>
        {props.label}
      </label>
      <input
        id={`${name}-say`}
        data-testid={`${name}-input`}
        type="text"
        autocomplete="off"
        enterkeyhint="send"
        placeholder={props.label}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button
        type="submit"
        class="primary"
        data-testid={`${name}-send`}
        disabled={line.state.value.kind !== "open"}
      >
        Send
      </button>
    </form>
  );
}
