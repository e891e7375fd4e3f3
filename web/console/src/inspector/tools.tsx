// Pausing what is shown, clearing it, and saving it.

import type { InspectorDesk } from "./desk.ts";
import type { Row } from "./rows.ts";

export function Tools(props: { desk: InspectorDesk; shown: readonly Row[] }) {
  const { desk, shown } = props;
  const { recorder } = desk;
  const paused = recorder.paused.value;
  return (
    <div class="tools">
      <span class="note" role="status" data-testid="inspector-waiting">
        {paused && `${recorder.waiting.value} waiting`}
      </span>
      <button
        type="button"
        class="quiet"
        aria-pressed={paused}
        data-testid="inspector-pause"
        onClick={() => (paused ? recorder.resume() : recorder.pause())}
      >
        {paused ? "Resume" : "Pause"}
      </button>
      <button
        type="button"
        class="quiet"
        data-testid="inspector-clear"
        onClick={() => {
          recorder.clear();
          desk.choose(undefined);
        }}
      >
        Clear
      </button>
      <button
        type="button"
        class="quiet"
        data-testid="inspector-save"
        disabled={shown.length === 0}
        onClick={() => save(shown)}
      >
        Save
      </button>
    </div>
  );
}

/** Has the browser write what is shown into a file, one event a line. */
function save(rows: readonly Row[]) {
  const lines = rows.map((row) => `${JSON.stringify(row.event)}\n`);
  const url = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "frames.ndjson";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
