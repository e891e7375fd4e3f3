// A line whose messages come on one long answer to `fetch`, each on a line of its own.

import type { Carrier, Hears, Where } from "./carrier.ts";
import { type Down, openEmulated, readEnd } from "./emulated.ts";

export function openStream(where: Where, hears: Hears): Carrier {
  return openEmulated(where, hears, receive);
}

async function receive(line: Down): Promise<void> {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  line.signal.addEventListener("abort", stop);
  // A proxy may hold the answer, and a network swallow it.
  let silence = setTimeout(stop, line.silentMs);
  try {
    const address = line.address("stream", { seen: line.seen });
    const response = await line.fetch(address, { signal: stopped.signal });
    if (!response.body) throw new Error("fetch gives no stream here");
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let begun = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(stop, line.silentMs);
      const lines = (begun + decoder.decode(value, { stream: true })).split("\n");
      begun = lines.pop() ?? "";
      line.alive();
      for (const text of lines) hear(line, text);
    }
  } finally {
    clearTimeout(silence);
    line.signal.removeEventListener("abort", stop);
    stop();
  }
}

function hear(line: Down, text: string): void {
  if (text === "") return;
  const ended = readEnd(text);
  if (ended) line.end(ended);
  else line.message(text);
}
