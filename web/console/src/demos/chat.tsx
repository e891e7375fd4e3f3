// The chat in plain text: the server gives each person a name and passes every line on.

import { createLine, type Line } from "../line.ts";
import { createLog, type Log } from "../log.ts";
import { LogView } from "../parts/log_view.tsx";
import { SayForm } from "../parts/say_form.tsx";
import { Stage } from "../parts/stage.tsx";
import { type ChatLine, parseChatLine } from "../wire.ts";

/** A line as it came, and what was understood of it. */
interface Heard {
  readonly line: string;
  readonly parsed: ChatLine;
}

/** The chat's line, and what was heard on it. */
export interface ChatDemo {
  readonly line: Line;
  readonly heard: Log<Heard>;
}

// Names only help to cut lines; a stranger cannot make the page remember without end.
const MAX_NAMES = 500;

export function createChat(url: string): ChatDemo {
  const heard = createLog<Heard>();
  const names = new Set<string>();
  const line = createLine(url, {
    message(payload) {
      if (typeof payload !== "string") return;
      const parsed = parseChatLine(payload, names);
      // A name stays known after its owner left: another line may still bear it.
      if (parsed.kind === "joined" && names.size < MAX_NAMES) names.add(parsed.name);
      heard.add({ line: payload, parsed });
    },
  });
  return { line, heard };
}

export function Chat(props: { demo: ChatDemo }) {
  const { line, heard } = props.demo;
  return (
    <Stage
      name="chat"
      title="Chat"
      lead="Plain text for everybody on this line. The server chooses your name."
      line={line}
    >
      <section class="card talk" aria-label="Chat">
        <LogView
          label="What was said"
          testId="chat-log"
          empty="Nobody has said anything yet."
          entries={heard.entries}
        >
          {(what) => <Said heard={what} />}
        </LogView>
        <SayForm name="chat" label="Say something" line={line} say={(text) => line.send(text)} />
        <p class="note">
          The word <code>quit</code> logs you out, and the server closes the line.
        </p>
      </section>
    </Stage>
  );
}

/** Shows a line letter for letter as it came; only the looks depend on what was understood. */
function Said(props: { heard: Heard }) {
  const { line, parsed } = props.heard;
  switch (parsed.kind) {
    case "joined":
    case "left":
      return <span class="event">{line}</span>;
    case "said":
      return (
        <>
          <b class="speaker">{parsed.name}:</b>
          <span>{parsed.text}</span>
        </>
      );
    case "unknown":
      return <span>{line}</span>;
  }
}
