// What narrows the table: opcode, direction, a text, and one connection of several.

import { formatCount } from "../quantities.ts";
import type { InspectorDesk } from "./desk.ts";
import type { End } from "./events.ts";
import type { Kind } from "./rows.ts";

const KINDS: readonly Kind[] = [
  "text",
  "binary",
  "continuation",
  "close",
  "ping",
  "pong",
  "reserved",
  "gap",
  "line",
];

export function FilterBar(props: { desk: InspectorDesk; all: number; shown: number }) {
  const { desk, all, shown } = props;
  const { kind, from, text, connection } = desk.filter.value;
  return (
    <search class="filter">
      <label class="field">
        <span>Opcode</span>
        <select
          data-testid="filter-kind"
          value={kind ?? ""}
          onChange={({ currentTarget }) => {
            desk.narrow({ kind: KINDS.find((one) => one === currentTarget.value) });
          }}
        >
          <option value="">all</option>
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {one === "line" ? "handshake, notes, end" : one}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>From</span>
        <select
          data-testid="filter-from"
          value={from ?? ""}
          onChange={({ currentTarget }) => {
            const ends: readonly End[] = ["client", "server"];
            desk.narrow({ from: ends.find((one) => one === currentTarget.value) });
          }}
        >
          <option value="">both ends</option>
          <option value="client">↑ client</option>
          <option value="server">↓ server</option>
        </select>
      </label>
      <label class="field filter-text">
        <span>Text</span>
        <input
          type="text"
          data-testid="filter-text"
          value={text}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => desk.narrow({ text: currentTarget.value })}
        />
      </label>
      <p class="note" role="status" data-testid="filter-count">
        {shown === all ? formatCount(all) : `${formatCount(shown)} of ${formatCount(all)}`} shown
        {connection !== undefined && (
          <>
            , of connection {connection}{" "}
            <button
              type="button"
              class="quiet"
              data-testid="filter-connection-off"
              onClick={() => desk.narrow({ connection: undefined })}
            >
              All connections
            </button>
          </>
        )}
      </p>
    </search>
  );
}
