// Which channel, as whom, and where.

import { useSignal } from "@preact/signals";
import { Field } from "../parts/field.tsx";
import type { ChannelsDesk } from "./desk.ts";

export function WantedForm(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  const now = desk.wanted.peek();
  const channel = useSignal(now.channel);
  const name = useSignal(now.name);
  const token = useSignal(now.token);
  const path = useSignal(now.path);
  function submit(event: Event) {
    event.preventDefault();
    const asked = path.value.trim();
    desk.want({
      channel: channel.value.trim(),
      name: name.value.trim(),
      token: token.value.trim(),
      path: asked.startsWith("/") ? asked : `/${asked}`,
      carrier: desk.wanted.value.carrier,
    });
  }
  return (
    <form class="card channels-form" aria-label="Which channel, and as whom" onSubmit={submit}>
      <div class="say">
        <Field id="channels-channel" label="Channel" text={channel} placeholder="demo:lobby" />
        <button
          type="submit"
          class="primary"
          data-testid="channels-go"
          disabled={channel.value.trim() === ""}
        >
          Go there
        </button>
      </div>
      <Field
        id="channels-token"
        label="Token"
        isSecret
        text={token}
        placeholder="none"
        describedBy="channels-token-note"
      />
      <div class="channels-pair">
        <Field id="channels-name" label="Your name" text={name} placeholder="none" />
        <Field id="channels-path" label="Path" text={path} placeholder="/tieline" />
      </div>
      <p id="channels-token-note" class="note">
        The token is kept until the page is closed, and nowhere else.
      </p>
    </form>
  );
}
