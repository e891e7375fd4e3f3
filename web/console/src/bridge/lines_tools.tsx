// The buttons beside a list of lines: follow and pause, copy, clear.

import { copyText } from "../clipboard.ts";
import { formatCount } from "../quantities.ts";
import { CopyButton } from "./copy_button.tsx";
import { plainOf } from "./escapes.ts";
import type { Lines } from "./lines.ts";

/** Most lines that are copied at once: the newest. */
const MAX_COPIED = 10_000;

export function LinesTools(props: { lines: Lines }) {
  const { lines } = props;
  const isPaused = lines.paused.value;
  const waiting = lines.waiting.value;
  return (
    <div class="tools">
      <button
        type="button"
        class={isPaused ? "primary" : "quiet"}
        data-testid="follow"
        onClick={isPaused ? lines.resume : lines.pause}
      >
        {isPaused ? `Follow${waiting > 0 ? `, ${formatCount(waiting)} new` : ""}` : "Pause"}
      </button>
      <CopyButton copy={() => copyText(newest(lines))} />
      <button type="button" class="quiet" data-testid="clear" onClick={lines.clear}>
        Clear
      </button>
    </div>
  );
}

function newest(lines: Lines): string {
  const { first, end } = lines.shown.value;
  let text = "";
  for (let number = Math.max(first, end - MAX_COPIED); number < end; number += 1) {
    text += `${plainOf(lines.at(number)?.text ?? "")}\n`;
  }
  return text;
}
