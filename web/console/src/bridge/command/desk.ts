// What the page knows of a command: what it said, and the line to it.

import { type Bridge, lineUrl } from "../entrance.ts";
import { createLastingLine, type LastingLine, type Means } from "../lasting_line.ts";
import { createLines, type Lines } from "../lines.ts";
import { createOutput } from "./output.ts";

/** The streams of a command, as the sources of lines. */
export const STREAMS = ["stdout", "stderr"] as const;

/** A command, whoever shows it. */
export interface CommandDesk {
  readonly line: LastingLine;
  readonly lines: Lines;
  /** Says a line to it; answers whether it went out. */
  say(text: string): boolean;
}

export function createCommandDesk(bridge: Bridge, means?: Means): CommandDesk {
  const lines = createLines();
  const encoder = new TextEncoder();
  let output = createOutput(bridge);
  let wasOpen = false;
  const line = createLastingLine(
    () => lineUrl(location, bridge.route),
    {
      opened() {
        output = createOutput(bridge);
        if (wasOpen) lines.add([{ kind: "note", source: -1, text: "The line is open again." }]);
        wasOpen = true;
      },
      message(payload) {
        const said = output.read(payload);
        lines.add(
          said.map(({ stream, line: text }) =>
            stream === "gap"
              ? { kind: "gap", source: -1, text }
              : { kind: "line", source: STREAMS.indexOf(stream), text },
          ),
        );
      },
    },
    means,
  );
  return {
    line,
    lines,
    say(text) {
      // The server puts the newline behind a message only where messages are lines.
      if (bridge.frame === "lines") return line.send(text);
      return line.send(encoder.encode(bridge.frame === "bytes" ? `${text}\n` : text));
    },
  };
}
