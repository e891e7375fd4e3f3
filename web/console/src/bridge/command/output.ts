// What a command says, cut into lines, however its messages are cut.

import { formatHex } from "../../hex.ts";
import { parseObject } from "../../json.ts";
import type { Payload } from "../../line.ts";

/** A line, and the stream that it came by. */
export interface Said {
  /** Where it came from; of a gap only the line tells. */
  readonly stream: "gap" | "stderr" | "stdout";
  readonly line: string;
}

/** Bytes of a line that is no text that are shown. */
const MAX_HEX = 256;

/** Longest line that is put together of bytes; what is longer is cut. */
const MAX_LINE = 64 << 10;

/** Reads what a command says. */
export interface Output {
  read(payload: Payload): Said[];
}

/** `tagged` and `frame` are the route's. */
export function createOutput(how: { readonly tagged: boolean; readonly frame: string }): Output {
  const decoder = new TextDecoder();
  let begun = "";

  function ofBytes(bytes: Uint8Array): Said[] {
    const pieces = (begun + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    begun = pieces.pop() ?? "";
    if (begun.length > MAX_LINE) {
      pieces.push(begun);
      begun = "";
    }
    return pieces.map(said);
  }

  return {
    read(payload) {
      if (typeof payload === "string") return [how.tagged ? parseTagged(payload) : said(payload)];
      if (how.frame === "bytes") return ofBytes(payload);
      if (how.frame === "length") return new TextDecoder().decode(payload).split(/\r?\n/).map(said);
      // A line that is not UTF-8.
      const more = payload.length > MAX_HEX ? " …" : "";
      return [said(`${formatHex(payload.subarray(0, MAX_HEX))}${more}`)];
    },
  };
}

function said(line: string): Said {
  return { stream: "stdout", line };
}

/** `{"stream":"stderr","line":"…"}`; anything else is a line as it is. */
function parseTagged(text: string): Said {
  const { stream, line } = parseObject(text) ?? {};
  if (stream === "gap")
    return { stream, line: "Some of the output was left out: this page was too slow for it." };
  if ((stream === "stderr" || stream === "stdout") && typeof line === "string") {
    return { stream, line };
  }
  return said(text);
}
