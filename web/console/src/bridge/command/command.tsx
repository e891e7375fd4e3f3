// The panel of a command: what it says, and a field to say something to it.

import { useSignal } from "@preact/signals";
import { ChosenLine } from "../chosen_line.tsx";
import { LineList } from "../line_list.tsx";
import { LineState } from "../line_state.tsx";
import { LinesTools } from "../lines_tools.tsx";
import { type CommandDesk, STREAMS } from "./desk.ts";

export function CommandPanel(props: { desk: CommandDesk; isTagged: boolean; takesInput: boolean }) {
  const { desk } = props;
  const chosen = useSignal<number | undefined>(undefined);
  const text = useSignal("");
  const isOpen = desk.line.state.value.kind === "open";
  return (
    <div class="bridge-work">
      <section class="card bridge-card" aria-label="Command">
        <div class="bridge-bar">
          <LineState line={desk.line} />
          <p class="bridge-title" />
          <LinesTools lines={desk.lines} />
        </div>
        <LineList
          lines={desk.lines}
          label="What the command says"
          testId="lines"
          empty="It has said nothing yet."
          names={props.isTagged ? STREAMS : []}
          chosen={chosen}
        />
        <ChosenLine lines={desk.lines} chosen={chosen} />
        {props.takesInput && (
          <form
            class="say"
            onSubmit={(event) => {
              event.preventDefault();
              if (desk.say(text.value)) text.value = "";
            }}
          >
            <input
              type="text"
              aria-label="A line for the command"
              placeholder="A line for the command"
              data-testid="say-text"
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              enterkeyhint="send"
              value={text.value}
              onInput={(event) => {
                text.value = event.currentTarget.value;
              }}
            />
            <button type="submit" class="primary" data-testid="say" disabled={!isOpen}>
              Send
            </button>
          </form>
        )}
      </section>
    </div>
  );
}
