// The whole of one line, below the list.

import type { Signal } from "@preact/signals";
import { copyText } from "../clipboard.ts";
import { CopyButton } from "./copy_button.tsx";
import { plainOf } from "./escapes.ts";
import type { Lines } from "./lines.ts";
import { Spans } from "./spans.tsx";

export function ChosenLine(props: { lines: Lines; chosen: Signal<number | undefined> }) {
  const { lines, chosen } = props;
  const line = chosen.value === undefined ? undefined : lines.at(chosen.value);
  if (line === undefined) return null;
  return (
    <div class="chosen-line" data-testid="chosen-line">
      <pre>
        <Spans text={line.text} isWhole />
      </pre>
      <div class="tools">
        <CopyButton copy={() => copyText(plainOf(line.text))} />
        <button
          type="button"
          class="quiet"
          onClick={() => {
            chosen.value = undefined;
          }}
        >
          Close
        </button>
      </div>
    </div>
  );
}
