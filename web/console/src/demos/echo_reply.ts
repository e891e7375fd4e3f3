// What came back over the echo, held against what went out.

import { decodeText } from "../frames.ts";
import { formatHex } from "../hex.ts";
import type { Payload } from "../line.ts";

/** A reply, ready to be shown. */
export interface EchoReply {
  readonly kind: "binary" | "text";
  readonly preview: string;
  /** In bytes. */
  readonly length: number;
  /** From sending to hearing, in milliseconds; undefined when nothing was waited for. */
  readonly span: number | undefined;
  readonly verdict: "different" | "identical" | "unasked";
}

/** What was sent and is not answered yet; an echo answers in order. */
export interface Expectations {
  expect(sent: Payload, now: number): void;
  answer(heard: Payload, now: number): EchoReply;
  forget(): void;
}

const PREVIEW_CHARS = 200;
const PREVIEW_BYTES = 24;

export function createExpectations(): Expectations {
  let waiting: { sent: Payload; at: number }[] = [];
  return {
    expect(sent, now) {
      waiting.push({ sent, at: now });
    },
    answer(heard, now) {
      const first = waiting.shift();
      const verdict =
        first === undefined ? "unasked" : isSame(first.sent, heard) ? "identical" : "different";
      const span = first === undefined ? undefined : now - first.at;
      return { ...describe(heard), span, verdict };
    },
    forget() {
      waiting = [];
    },
  };
}

function describe(heard: Payload): Pick<EchoReply, "kind" | "length" | "preview"> {
  if (typeof heard === "string") {
    const bytes = new TextEncoder().encode(heard);
    const cut = heard.length > PREVIEW_CHARS;
    const preview = cut ? `${decodeText(bytes.subarray(0, PREVIEW_CHARS))}…` : heard;
    return { kind: "text", length: bytes.length, preview: preview || "(empty)" };
  }
  const cut = heard.length > PREVIEW_BYTES ? " …" : "";
  const preview = formatHex(heard.subarray(0, PREVIEW_BYTES)) + cut;
  return { kind: "binary", length: heard.length, preview: preview || "(empty)" };
}

function isSame(sent: Payload, heard: Payload): boolean {
  if (typeof sent === "string" || typeof heard === "string") return sent === heard;
  return sent.length === heard.length && sent.every((byte, at) => byte === heard[at]);
}
