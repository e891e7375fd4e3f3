// What to send to the echo: text, bytes in hexadecimal, or a message of a given size.

import { useSignal } from "@preact/signals";
import { parseHex } from "../hex.ts";
import type { Line, Payload } from "../line.ts";
import { generate, type Mode, SIZES } from "./echo_size.ts";

export function EchoForm(props: { line: Line; say: (payload: Payload) => boolean }) {
  const { line, say } = props;
  const mode = useSignal<Mode>("text");
  const problem = useSignal("");
  const input = useSignal("");
  const down = line.state.value.kind !== "open";

  function submit(event: Event) {
    event.preventDefault();
    const payload = read(mode.value, input.value);
    problem.value = typeof payload === "object" && "why" in payload ? payload.why : "";
    if (typeof payload === "object" && "why" in payload) return;
    if (say(payload)) input.value = "";
  }

  /** Enter sends, Shift+Enter begins a new line; an input method that is composing keeps its Enter. */
  function sendOnEnter(event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!down) event.currentTarget.form?.requestSubmit();
  }

  return (
    <>
      <form class="echo-form" onSubmit={submit}>
        <div class="echo-label">
          <label for="echo-say">{mode.value === "text" ? "Message" : "Bytes in hex"}</label>
          <ModeChoice mode={mode.value} choose={(next) => (mode.value = next)} />
        </div>
        <div class="say">
          <textarea
            id="echo-say"
            data-testid="echo-input"
            class={mode.value === "binary" ? "bytes" : ""}
            rows={2}
            spellcheck={false}
            enterkeyhint="send"
            aria-invalid={problem.value !== ""}
            aria-describedby="echo-problem"
            placeholder={mode.value === "text" ? "Say something" : "48 65 6c 6c 6f"}
            value={input.value}
            onInput={(event) => (input.value = event.currentTarget.value)}
            onKeyDown={sendOnEnter}
          />
          <button type="submit" class="primary" data-testid="echo-send" disabled={down}>
            Send
          </button>
        </div>
        <p class="problem" id="echo-problem" role="alert">
          {problem.value}
        </p>
      </form>
      <SizeForm mode={mode.value} down={down} say={say} />
    </>
  );
}

function ModeChoice(props: { mode: Mode; choose: (mode: Mode) => void }) {
  return (
    <fieldset class="choice">
      <legend class="off-screen">Send as</legend>
      {(["text", "binary"] as const).map((mode) => (
        <label key={mode}>
          <input
            type="radio"
            name="echo-mode"
            data-testid={`echo-mode-${mode}`}
            checked={props.mode === mode}
            onChange={() => props.choose(mode)}
          />
          <span>{mode === "text" ? "Text" : "Binary"}</span>
        </label>
      ))}
    </fieldset>
  );
}

function SizeForm(props: { mode: Mode; down: boolean; say: (payload: Payload) => boolean }) {
  const { mode, down, say } = props;
  const size = useSignal<number>(SIZES[2].bytes);
  function submit(event: Event) {
    event.preventDefault();
    say(generate(mode, size.value));
  }
  return (
    <form class="size-form" onSubmit={submit}>
      <label for="echo-size">Or {mode} of</label>
      <select
        id="echo-size"
        data-testid="echo-size"
        value={size.value}
        onChange={(event) => (size.value = Number(event.currentTarget.value))}
      >
        {SIZES.map(({ bytes, label }) => (
          <option key={bytes} value={bytes}>
            {label}
          </option>
        ))}
      </select>
      <button type="submit" class="plain" data-testid="echo-generate" disabled={down}>
        Send it
      </button>
      <p class="note">A server answers a message above its limit with a close, 1009.</p>
    </form>
  );
}

function read(mode: Mode, input: string): Payload | { why: string } {
  if (mode === "text") return input;
  const parsed = parseHex(input);
  return parsed.ok ? parsed.bytes : { why: parsed.why };
}
