// What there is to see of an event that is no frame.

import { describeClose } from "../frames.ts";
import { Fact } from "../parts/fact.tsx";
import { formatSpan } from "../quantities.ts";
import type { InspectEvent, RequestEvent, ResponseEvent } from "./events.ts";
import { Region } from "./region.tsx";

export function EventDetail(props: { event: InspectEvent }) {
  const { event } = props;
  switch (event.event) {
    case "request":
      return <Request event={event} />;
    case "response":
      return <Response event={event} />;
    case "closed": {
      const said = (close: { code: number; reason: string } | null) =>
        close === null ? "no close frame" : describeClose(close.code, close.reason);
      return (
        <dl class="facts">
          <Fact term="Cleanly" value={event.clean ? "yes" : "no"} />
          <Fact term="Began" value={event.began ?? "nobody"} />
          <Fact term="Client" value={said(event.client)} />
          <Fact term="Server" value={said(event.server)} />
          <Fact
            term="Transport"
            value={event.by === null ? event.end : `${event.end}, ${event.by}`}
          />
        </dl>
      );
    }
    case "connection":
      return (
        <dl class="facts">
          <Fact term="Client" value={event.client} />
          <Fact term="Server" value={event.server} />
          <Fact term="SYN answered" value={between(event.syn, event.syn_ack)} />
          <Fact term="Confirmed" value={between(event.syn_ack, event.ack)} />
        </dl>
      );
    case "gap":
      return <p>{event.bytes} bytes of this end are missing, and will not come any more.</p>;
    case "note":
      return <p>{event.note}</p>;
    default:
      return null;
  }
}

function Request(props: { event: RequestEvent }) {
  const { event } = props;
  return (
    <>
      {event.error !== null && <p class="problem">{event.error}</p>}
      <dl class="facts">
        <Fact term="Asks for" value={`${event.method} ${event.target}`} />
        <Fact term="Draft" value={event.draft} />
        <Fact term="Subprotocols" value={listed(event.protocols)} />
        <Fact term="Extensions" value={listed(event.extensions)} />
      </dl>
      <Headers headers={event.headers} />
    </>
  );
}

function Response(props: { event: ResponseEvent }) {
  const { event } = props;
  const { accept_right } = event;
  const accept = accept_right === null ? undefined : accept_right ? "right for the key" : "wrong";
  return (
    <>
      {event.error !== null && <p class="problem">{event.error}</p>}
      <dl class="facts">
        <Fact term="Status" value={String(event.status)} />
        <Fact term="Accept value" value={accept} />
        <Fact term="Subprotocol" value={event.protocol ?? undefined} />
        <Fact term="Extensions" value={listed(event.extensions)} />
      </dl>
      <Headers headers={event.headers} />
    </>
  );
}

function Headers(props: { headers: readonly (readonly [string, string])[] }) {
  const lines = props.headers.map(([name, value]) => `${name}: ${value}`);
  return (
    <Region label="Headers" testId="inspector-headers">
      {lines.join("\n")}
    </Region>
  );
}

function between(from: number | null, to: number | null): string | undefined {
  return from === null || to === null ? undefined : `after ${formatSpan((to - from) * 1000)}`;
}

function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(", ");
}
