// Where frames come from: a capture that is dropped or chosen, or one of the open lines.

import { useSignal } from "@preact/signals";
import type { LineInfo } from "../operator/api.ts";
import { formatCount } from "../quantities.ts";
import type { InspectorDesk } from "./desk.ts";

export function Sources(props: { desk: InspectorDesk }) {
  const { desk } = props;
  return (
    <div class="sources">
      <Lines desk={desk} />
      <Capture desk={desk} />
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

function Capture(props: { desk: InspectorDesk }) {
  const { desk } = props;
  const isOver = useSignal(false);
  function take(files: FileList | null | undefined) {
    const file = files?.[0];
    if (file !== undefined) void desk.read(file);
  }
  function over(event: DragEvent) {
    event.preventDefault();
    isOver.value = true;
  }
  return (
    <section
      class="card capture"
      aria-label="Capture"
      data-testid="capture-drop"
      data-over={isOver.value}
      onDragEnter={over}
      onDragOver={over}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        take(event.dataTransfer?.files);
      }}
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
          onChange={(event) => {
            take(event.currentTarget.files);
            // The same one may be chosen again.
            event.currentTarget.value = "";
          }}
        />
      </label>
    </section>
  );
}
