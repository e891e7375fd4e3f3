// One device: what is known of it, what may be done, and what was.

import { useSignal } from "@preact/signals";
import { Fact } from "../parts/fact.tsx";
import { AreaField } from "../parts/field.tsx";
import { LogView } from "../parts/log_view.tsx";
import { formatBytes, formatCount } from "../quantities.ts";
import type { Device } from "./api.ts";
import type { Deed, Desk } from "./desk.ts";

export function DeviceCard(props: { desk: Desk }) {
  const { desk } = props;
  const id = desk.chosen.value;
  if (id === undefined) return <p class="card note">Choose a device to send it a message.</p>;
  const device = desk.devices.value?.find((one) => one.id === id);
  return (
    <section class="card talk" aria-label="Device">
      <h3 class="device-name" data-testid="device-name">
        {id}
      </h3>
      <Facts device={device} />
      <MessageForm key={id} send={(text) => desk.send(id, text)} />
      <div class="device-deeds">
        <button
          type="button"
          class="plain"
          data-testid="disconnect"
          disabled={!device?.online}
          onClick={() => desk.disconnect(id)}
        >
          Disconnect
        </button>
        <Forget key={id} forget={() => desk.forget(id)} />
      </div>
      <LogView
        label="What was done"
        testId="deeds"
        empty="Nothing was done yet."
        entries={desk.deeds.entries}
      >
        {(deed) => <Done deed={deed} />}
      </LogView>
    </section>
  );
}

function Facts(props: { device: Device | undefined }) {
  const { device } = props;
  if (device === undefined) return <p class="note">It is not known any more.</p>;
  const { messages, bytes } = device.waiting;
  const since =
    device.since_ms === null ? "" : ` since ${new Date(device.since_ms).toLocaleString()}`;
  return (
    <dl class="facts">
      <Fact term="Line" value={device.online ? `on line${since}` : "away"} />
      <Fact term="Registered" value={device.registered ? "yes" : "no"} />
      <Fact term="Inbox" value={`${formatCount(messages)} waiting, ${formatBytes(bytes)}`} />
      <Fact term="User" value={device.user ?? undefined} />
      <Fact term="Route" value={device.route} />
    </dl>
  );
}

function MessageForm(props: { send: (text: string) => Promise<boolean> }) {
  const text = useSignal("");
  async function submit(event: Event) {
    event.preventDefault();
    if (text.value !== "" && (await props.send(text.value))) text.value = "";
  }
  return (
    <form class="say" onSubmit={submit}>
      <AreaField id="message" label="Message" text={text} />
      <button type="submit" class="primary" data-testid="message-send">
        Send
      </button>
    </form>
  );
}

/** Asks once more: what is gone is gone. */
function Forget(props: { forget: () => void }) {
  const isAsked = useSignal(false);
  if (!isAsked.value) {
    return (
      <button
        type="button"
        class="plain"
        data-testid="forget-ask"
        onClick={() => (isAsked.value = true)}
      >
        Forget…
      </button>
    );
  }
  return (
    <>
      <button type="button" class="primary" data-testid="forget" onClick={props.forget}>
        Forget it and its inbox
      </button>
      <button type="button" class="quiet" onClick={() => (isAsked.value = false)}>
        Keep it
      </button>
    </>
  );
}

function Done(props: { deed: Deed }) {
  const { device, what, outcome, failed } = props.deed;
  return (
    <>
      <span class="reply">{what}</span>
      <span class="reply-facts">
        {device}
        <span class="verdict" data-verdict={failed ? "different" : "identical"}>
          {outcome}
        </span>
      </span>
    </>
  );
}
