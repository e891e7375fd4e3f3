// The row that is looked at: its header, its facts and its payload.

import {
  ARROWS,
  decodeText,
  formatFlags,
  formatKind,
  formatMask,
  isDoubtful,
  isFrame,
  MAX_KEPT_BYTES,
  type PayloadView,
  type Row,
  WORDS,
} from "../frames.ts";
import { encodeHeader, MASK_BYTES, type Opcode } from "../header.ts";
import { dump, formatHex } from "../hex.ts";
import { formatBytes, formatClock, formatCount } from "../quantities.ts";
import type { DemoName } from "../selection.ts";
import { isNarrow } from "./narrow.ts";

export function FrameDetail(props: { name: DemoName; row: Row | undefined; view: PayloadView }) {
  const { row, view } = props;
  if (row === undefined) return <p class="note">Choose a row to see its bytes.</p>;
  return (
    <section
      class="detail"
      aria-label="The chosen row"
      data-testid={`detail-${props.name}`}
      data-direction={row.direction}
    >
      <p class="detail-head">
        <strong>
          <span aria-hidden="true">{ARROWS[row.direction]}</span> {WORDS[row.direction]}{" "}
          {formatKind(row)}
        </strong>
        <span>{formatClock(row.at)}</span>
        {isFrame(row) && (
          <>
            <span>{formatCount(row.length)} bytes</span>
            <span>{formatFlags(row)}</span>
            <span>{formatMask(row)}</span>
          </>
        )}
      </p>
      {isFrame(row) && <Header row={row} />}
      {row.note !== "" && <p>{row.note}</p>}
      <Payload row={row} view={view} />
    </section>
  );
}

function Header(props: { row: Row & { kind: Opcode } }) {
  const { row } = props;
  if (isDoubtful(row)) {
    return <p class="note">Its header is not known: the message may travel compressed.</p>;
  }
  const masked = row.direction === "sent";
  const header = encodeHeader(row.kind, row.length, masked);
  return (
    <p class="detail-header">
      <span>Header, as one frame</span> <code>{formatHex(header)}</code>
      {masked && <span> and {MASK_BYTES} bytes of mask</span>}
    </p>
  );
}

function Payload(props: { row: Row; view: PayloadView }) {
  const { row, view } = props;
  if (row.length === 0) return null;
  const asText = view === "text" && row.kind === "text";
  return (
    <>
      {asText ? <pre class="payload">{decodeText(row.kept)}</pre> : <Dump bytes={row.kept} />}
      {row.length > MAX_KEPT_BYTES && (
        <p class="note">The first {formatBytes(MAX_KEPT_BYTES)} are kept.</p>
      )}
    </>
  );
}

function Dump(props: { bytes: Uint8Array }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section class="payload dump" aria-label="Hex dump" tabIndex={0}>
      {dump(props.bytes, isNarrow.value ? 8 : 16).map((line) => (
        <span class="dump-line" key={line.offset}>
          <span class="dump-offset">{line.offset}</span>
          {"  "}
          {line.pairs}
          {"  "}
          <span class="dump-ascii">{line.ascii}</span>
          {"\n"}
        </span>
      ))}
    </section>
  );
}
