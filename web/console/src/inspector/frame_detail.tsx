// The row that is looked at: its header bit by bit, its payload, and what comes of it.

import { decodeText, describeClose } from "../frames.ts";
import { dump } from "../hex.ts";
import { isNarrow } from "../parts/narrow.ts";
import { formatBytes, formatClock, formatCount, formatSpan } from "../quantities.ts";
import { fieldsOf, masked } from "./bits.ts";
import { EventDetail } from "./event_detail.tsx";
import type { FrameEvent } from "./events.ts";
import { directionOf } from "./frame_table.tsx";
import { HeaderBits } from "./header_bits.tsx";
import { Region } from "./region.tsx";
import { bytesOf, type Row } from "./rows.ts";

export function FrameDetail(props: { row: Row | undefined }) {
  const { row } = props;
  if (row === undefined) {
    return <p class="card note">Choose a frame to see its bits.</p>;
  }
  const { event } = row;
  return (
    <section
      class="card detail"
      aria-label="The chosen frame"
      data-testid="inspector-detail"
      data-direction={directionOf(row)}
    >
      <p class="detail-head">
        <strong>
          {row.from ?? "both ends"}: {row.name}
        </strong>
        <span>{formatClock(row.at)}</span>
        {event.event === "frame" && (
          <>
            <span>{formatCount(event.length)} bytes</span>
            <span>at byte {formatCount(event.offset)} of its direction</span>
          </>
        )}
      </p>
      {event.event === "frame" ? <Frame event={event} /> : <EventDetail event={event} />}
    </section>
  );
}

function Frame(props: { event: FrameEvent }) {
  const { event } = props;
  const head = bytesOf(event.head);
  const payload = bytesOf(event.payload);
  const key = typeof event.mask === "string" ? bytesOf(event.mask) : undefined;
  return (
    <>
      {event.opcode !== undefined || head.length > 0 ? (
        <HeaderBits fields={fieldsOf(head)} />
      ) : null}
      <Outcome event={event} />
      {payload.length > 0 && (
        <div class="payloads">
          {key !== undefined && (
            <Dump title="Payload as it was sent, masked" bytes={masked(payload, key)} id="masked" />
          )}
          <Dump title={key === undefined ? "Payload" : "Unmasked"} bytes={payload} id="unmasked" />
        </div>
      )}
      {payload.length < event.length && (
        <p class="note">The first {formatBytes(payload.length)} of it are shown.</p>
      )}
    </>
  );
}

/** What comes of a frame, as a sentence, and the message where one is whole with it. */
function Outcome(props: { event: FrameEvent }) {
  const { event } = props;
  const text = event.message?.text;
  return (
    <>
      <p class={event.error === undefined ? "outcome" : "problem"} data-testid="inspector-outcome">
        {outcomeOf(event)}
      </p>
      {text !== undefined && text !== "" && (
        <Region label="The message" testId="inspector-message">
          {text}
        </Region>
      )}
      {event.message?.hex !== undefined && (event.rsv ?? 0) !== 0 && (
        <Dump title="The message, inflated" bytes={bytesOf(event.message.hex)} id="message" />
      )}
    </>
  );
}

function outcomeOf(event: FrameEvent): string {
  const { error, cut_off, close, unread, control, message, round_trip } = event;
  if (error !== undefined) {
    return `It breaks the protocol: ${error.what}. The connection fails with ${describeClose(error.code, "")}.`;
  }
  if (cut_off !== undefined) {
    const missing =
      cut_off.missing === null ? "Its header" : `${formatBytes(cut_off.missing)} of it`;
    return `It is cut off: ${missing} ${cut_off.missing === null ? "is not whole" : "are missing"}.`;
  }
  if (close !== undefined)
    return `It closes the connection: ${describeClose(close.code, close.reason)}.`;
  if (unread !== undefined) return `Its message cannot be shown: ${unread}.`;
  if (round_trip !== undefined)
    return `It answers a ping of ${formatSpan(round_trip * 1000)} before.`;
  if (control === "ping") return "It asks whether the other end is there.";
  if (control === "pong") return "It says that this end is there.";
  if (message === null) return "More of its message is to come.";
  const compressed = (event.rsv ?? 0) & 4 ? ", which was compressed" : "";
  if (message?.text !== undefined) return `A whole text message${compressed}.`;
  return `A whole binary message${compressed}.`;
}

function Dump(props: { title: string; bytes: Uint8Array; id: string }) {
  const { title, bytes, id } = props;
  const text = decodeText(bytes);
  return (
    <figure class="dump-figure">
      <figcaption>{title}</figcaption>
      <Region label={title} testId={`dump-${id}`} isDump>
        {dump(bytes, isNarrow.value ? 8 : 16).map((line) => (
          <span class="dump-line" key={line.offset}>
            <span class="dump-offset">{line.offset}</span>
            {"  "}
            {line.pairs}
            {"  "}
            <span class="dump-ascii">{line.ascii}</span>
            {"\n"}
          </span>
        ))}
      </Region>
      {id === "unmasked" && isReadable(text) && <p class="off-screen">As text: {text}</p>}
    </figure>
  );
}

/** Whether it is text without anything that is none. */
function isReadable(text: string): boolean {
  return text.length <= 1_000 && !text.includes("\ufffd");
}
