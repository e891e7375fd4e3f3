// The echo: what is sent comes back, and is compared with what went out.

import { createLine, type Line, type Payload } from "../line.ts";
import { createLog, type Log } from "../log.ts";
import { LogView } from "../parts/log_view.tsx";
import { Stage } from "../parts/stage.tsx";
import { formatBytes, formatSpan } from "../quantities.ts";
import { EchoForm } from "./echo_form.tsx";
import { createExpectations, type EchoReply } from "./echo_reply.ts";

/** The echo's line, and what came back. */
export interface EchoDemo {
  readonly line: Line;
  readonly replies: Log<EchoReply>;
  say(payload: Payload): boolean;
}

export function createEcho(url: string): EchoDemo {
  const replies = createLog<EchoReply>();
  const expectations = createExpectations();
  const line = createLine(url, {
    message: (payload) => replies.add(expectations.answer(payload, performance.now())),
    closed: () => expectations.forget(),
  });
  return {
    line,
    replies,
    say(payload) {
      const sent = line.send(payload);
      if (sent) expectations.expect(payload, performance.now());
      return sent;
    },
  };
}

export function Echo(props: { demo: EchoDemo }) {
  const { line, replies, say } = props.demo;
  return (
    <Stage name="echo" title="Echo" lead="What you send comes back, text or binary." line={line}>
      <section class="card talk" aria-label="Echo">
        <EchoForm line={line} say={say} />
        <LogView
          label="Replies"
          testId="echo-log"
          empty="Nothing has come back yet."
          entries={replies.entries}
        >
          {(reply) => <Reply reply={reply} />}
        </LogView>
      </section>
    </Stage>
  );
}

function Reply(props: { reply: EchoReply }) {
  const { kind, preview, length, span, verdict } = props.reply;
  return (
    <>
      <span class={kind === "binary" ? "reply bytes" : "reply"}>{preview}</span>
      <span class="reply-facts">
        {kind}, {formatBytes(length)}
        {span !== undefined && `, ${formatSpan(span)}`}
        <span class="verdict" data-verdict={verdict}>
          {verdict}
        </span>
      </span>
    </>
  );
}
