// A line whose messages are asked for again and again; the server holds each request until there is something.

import type { Carrier, Hears, Where } from "./carrier.ts";
import { type Down, openEmulated, readEnd } from "./emulated.ts";

/** For how long the server is asked to hold a request, in seconds; and how much longer it may take. */
const HELD = 25;
const LATE_MS = 10_000;

export function openPoll(where: Where, hears: Hears): Carrier {
  return openEmulated(where, hears, receive);
}

async function receive(line: Down): Promise<void> {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  line.signal.addEventListener("abort", stop);
  const late = setTimeout(stop, HELD * 1_000 + LATE_MS);
  try {
    const address = line.address("poll", { seen: line.seen, wait: HELD });
    const response = await line.fetch(address, { signal: stopped.signal });
    const messages = (await response.json()) as unknown[];
    line.alive();
    for (const message of messages) {
      const text = JSON.stringify(message);
      const ended = readEnd(text);
      if (ended) line.end(ended);
      else line.message(text);
    }
  } finally {
    clearTimeout(late);
    line.signal.removeEventListener("abort", stop);
  }
}
