// A line whose messages come by EventSource, which can set no header: the line's secret is in its cookie.

import type { Carrier, Hears, Where } from "./carrier.ts";
import { openEmulated, readEnd } from "./emulated.ts";

export function openEvents(where: Where, hears: Hears): Carrier {
  const { EventSource } = where.tools;
  if (!EventSource) throw new Error("there is no EventSource here");
  return openEmulated(
    where,
    hears,
    (line) =>
      new Promise((_, reject) => {
        const address = line.address("events", { seen: line.seen });
        const source = new EventSource(address, { withCredentials: true });
        const stop = (why: string) => {
          source.close();
          line.signal.removeEventListener("abort", ended);
          reject(new Error(why));
        };
        const ended = () => stop("the line is over");
        line.signal.addEventListener("abort", ended);
        source.onopen = () => line.alive();
        source.onmessage = ({ data, lastEventId }: { data: string; lastEventId: string }) => {
          if (Number(lastEventId) === line.seen + 1) line.message(data);
          else stop("a message is missing");
        };
        source.addEventListener("close", ({ data }: { data: string }) => {
          const end = readEnd(data);
          if (end) line.end(end);
        });
        // It would come back by itself; here it is asked for behind what has come.
        source.onerror = () => stop("the event stream broke off");
      }),
    { withCookie: true },
  );
}
