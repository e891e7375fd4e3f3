// Where frames come from: a capture that is dropped or chosen, or one of the open lines.

import { useSignal } from "@preact/signals";
import type { LineInfo } from "../operator/api.ts";
import { Field } from "../parts/field.tsx";
import { formatCount } from "../quantities.ts";
import type { InspectorDesk } from "./desk.ts";

export function Sources(props: { desk: InspectorDesk; isOver: boolean }) {
  const { desk, isOver } = props;
  return (
    <div class="sources">
      <Lines desk={desk} />
      <Capture desk={desk} isOver={isOver} />
    </div>
  );
}

function Lines(props: { desk: InspectorDesk }) {
  const { desk } = props;
  const lines = desk.lines.value;
  const source = desk.source.value;
  const watched =
    source?.kind === "line" && desk.progress.value === "reading" ? source.line.line : undefined;
  return (
    <section class="card devices" aria-label="Lines">
      <div class="devices-head">
        <h2>Lines</h2>
        <p class="note" aria-live="polite" data-testid="lines-count">
          {lines && `${formatCount(lines.length)}${desk.hasMore.value ? "+" : ""} open`}
        </p>
      </div>
      {lines?.length === 0 && <p class="note">No line is open that can be watched.</p>}
      <ul class="device-list line-list" data-testid="lines">
        {lines?.map((line) => (
          <Line
            key={line.line}
            line={line}
            isWatched={line.line === watched}
            watch={() => desk.watch(line)}
          />
        ))}
      </ul>
      {desk.hasMore.value && (
        <button type="button" class="plain" onClick={desk.more}>
          More
        </button>
      )}
      <NumberForm desk={desk} />
      {desk.source.value === undefined && desk.problem.value !== "" && (
        <p class="problem" role="alert">
          {desk.problem.value}
        </p>
      )}
      <p class="note">
        Whoever watches a line reads what is said on it; the log says who does. Lines over HTTP/2 or
        made of HTTP requests are not among them.
      </p>
    </section>
  );
}

function Line(props: { line: LineInfo; isWatched: boolean; watch: () => void }) {
  const { line, isWatched } = props;
  return (
    <li>
      <button
        type="button"
        class="device"
        data-testid={`line-${line.line}`}
        aria-pressed={isWatched}
        onClick={props.watch}
      >
        <span class="lamp" data-state="open" aria-hidden="true" />
        <span class="device-id">
          {line.line} {line.route}
        </span>
        <span class="device-facts">
          {line.user ?? line.from ?? "a Unix socket"}, ↑ {formatCount(line.messages_in)} ↓{" "}
          {formatCount(line.messages_out)}
          {isWatched && ", watched"}
        </span>
      </button>
    </li>
  );
}

function Capture(props: { desk: InspectorDesk; isOver: boolean }) {
  const { desk, isOver } = props;
  return (
    <section
      class="card capture"
      aria-label="Capture"
      data-testid="capture-drop"
      data-over={isOver}
    >
      <h2>Capture</h2>
      <p class="note">
        Drop a capture here, pcap or pcapng, as tcpdump and Wireshark write them: the server reads
        it and keeps nothing of it.
      </p>
      <label class="plain file">
        Choose a file
        <input
          type="file"
          class="off-screen"
          data-testid="capture-file"
          accept=".pcap,.pcapng,.cap"
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0];
            if (file !== undefined) void desk.read(file);
            // The same one may be chosen again.
            currentTarget.value = "";
          }}
        />
      </label>
    </section>
  );
}

/** For the number that the log calls `peer`. */
function NumberForm(props: { desk: InspectorDesk }) {
  const { desk } = props;
  const number = useSignal("");
  const isOne = /^[1-9]\d*$/.test(number.value);
  return (
    <form
      class="line-number"
      onSubmit={(event) => {
        event.preventDefault();
        if (isOne) void desk.find(parseInt(number.value, 10));
      }}
    >
      <Field
        id="line-number"
        label="Number of a line, as the log calls its peer"
        text={number}
        problem={number.value === "" || isOne ? "" : "a whole number"}
      />
      <button type="submit" class="plain" data-testid="line-watch" disabled={!isOne}>
        Watch
      </button>
    </form>
  );
}
