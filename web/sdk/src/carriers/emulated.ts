// A line made of HTTP requests, as docs/wire.md has it ("Over HTTP"): messages are numbered in both directions, so that a
// request whose answer is lost is made again and changes nothing.
//
//   open ─▶ {line, secret} ─┬─▶ send, one request after the other, from the first that is not known to be taken
//                           └─▶ receive, again and again, behind the last message that has come

import { createBackoff } from "../backoff.ts";
import { TOKEN_EXPIRED } from "../errors.ts";
import { type Carrier, type Ended, type Hears, LOST, type Where } from "./carrier.ts";

/** What asks for messages, until its one request has ended. */
export type Receive = (line: Down) => Promise<void>;

/** A line as seen by what receives its messages. */
export interface Down {
  /** How many messages have come. */
  readonly seen: number;
  /** How long the line may say nothing at all. */
  readonly silentMs: number;
  /** The address of one of its requests. */
  address(part: string, query?: Readonly<Record<string, number | string>>): string;
  /** Makes a request, which ends with the line; throws where it is not answered with 200. */
  fetch(address: string, init?: RequestInit): Promise<Response>;
  /** The next message. */
  message(text: string): void;
  /** Something came that is no message. */
  alive(): void;
  /** What the server says of the end. */
  end(ended: Ended): void;
  /** Is aborted when the line is over. */
  readonly signal: AbortSignal;
}

/** Waits before a request is made again that has failed. */
const AGAIN = { baseMs: 200, maxMs: 2_000, stableAfterMs: 0 };

/** What is sent at once, in messages and in characters; one message is sent whatever its length. */
const MOST_MESSAGES = 256;
const MOST_CHARACTERS = 262_144;

/** How much longer than its heartbeat the line may say nothing. */
const LATE_MS = 10_000;

/** A request was answered otherwise than with 200. */
class Refused extends Error {
  readonly status: number;
  readonly code: unknown;
  readonly expected: unknown;

  constructor(status: number, wrong: { code?: unknown; reason?: unknown; expected?: unknown }) {
    super(`${status} ${wrong.code ?? ""}: ${wrong.reason ?? ""}`);
    this.status = status;
    this.code = wrong.code;
    this.expected = wrong.expected;
  }
}

/** Opens a line whose messages are asked for in one way or another; `withCookie` where no header can be set there. */
export function openEmulated(
  where: Where,
  hears: Hears,
  receive: Receive,
  { withCookie = false } = {},
): Carrier {
  const { token, requestWithinMs, tools } = where;
  const over = new AbortController();
  let secret: string | undefined;
  let line = "";
  let silentMs = 0;
  let seen = 0;
  /** Messages that are not known to be taken; how many were. */
  const queue: string[] = [];
  let taken = 0;
  let isSending = false;
  /** Since when nothing gets through. */
  let failingSince: number | undefined;

  const down: Down = {
    get seen() {
      return seen;
    },
    get silentMs() {
      return silentMs;
    },
    signal: over.signal,
    address(part, query = {}) {
      const address = new URL(where.url);
      address.pathname = `${address.pathname.replace(/\/$/, "")}/${part}`;
      if (line) address.searchParams.set("line", line);
      for (const [name, value] of Object.entries(query)) address.searchParams.set(name, `${value}`);
      return address.href;
    },
    fetch: request,
    message(text) {
      if (over.signal.aborted) return;
      seen += 1;
      failingSince = undefined;
      hears.message(text);
    },
    alive() {
      if (over.signal.aborted) return;
      failingSince = undefined;
      hears.alive();
    },
    end,
  };

  async function request(address: string, init: RequestInit = {}): Promise<Response> {
    if (!tools.fetch) throw new Error("there is no fetch here");
    const bearer = secret ?? token;
    const headers = {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(init.body === undefined ? {} : { "content-type": "application/json" }),
    };
    const response = await tools.fetch(address, {
      cache: "no-store",
      credentials: withCookie ? "include" : "same-origin",
      signal: over.signal,
      ...init,
      headers,
    });
    if (response.ok) return response;
    throw new Refused(response.status, await response.json().catch(() => ({})));
  }

  /** A request that is answered at once, or is made again. */
  async function exchange(address: string, init: RequestInit): Promise<unknown> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), requestWithinMs);
    const abort = () => late.abort();
    over.signal.addEventListener("abort", abort);
    try {
      const response = await request(address, { ...init, signal: late.signal });
      return await response.json();
    } finally {
      clearTimeout(timer);
      over.signal.removeEventListener("abort", abort);
    }
  }

  /** Does something again and again until the line is over; what fails is done again after a wait. */
  async function keepOn(turn: () => Promise<boolean>): Promise<void> {
    let backoff = createBackoff(AGAIN);
    while (!over.signal.aborted) {
      try {
        if (!(await turn())) return;
        backoff = createBackoff(AGAIN);
      } catch (error) {
        if (over.signal.aborted) return;
        const ended = endOf(error);
        failingSince ??= Date.now();
        if (ended) end(ended);
        else if (Date.now() - failingSince >= requestWithinMs)
          end({ code: LOST, reason: String(error) });
        else await sleep(backoff.next(Math.random()), over.signal);
      }
    }
  }

  async function open(): Promise<void> {
    try {
      const opened = (await exchange(down.address("open"), { method: "POST" })) as {
        line: string;
        secret: string;
        heartbeat?: number;
      };
      line = opened.line;
      secret = opened.secret;
      silentMs = (opened.heartbeat ?? 25) * 1_000 + LATE_MS;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        end({ code: TOKEN_EXPIRED, reason: error.message });
      } else {
        end({ code: LOST, reason: String(error) });
      }
      return;
    }
    if (over.signal.aborted) return;
    void keepOn(async () => {
      const [before, began] = [seen, Date.now()];
      await receive(down);
      // One that ends at once and gave nothing is made again, but not at once.
      if (seen === before && Date.now() - began < AGAIN.baseMs) throw new Error("nothing came");
      return true;
    });
    hears.opened();
  }

  async function sendAll(): Promise<void> {
    if (isSending) return;
    isSending = true;
    await keepOn(async () => {
      if (queue.length === 0) return false;
      const address = down.address("send", { from: taken + 1, seen });
      const body = `[${batch().join(",")}]`;
      let arrived: unknown;
      try {
        arrived = ((await exchange(address, { method: "POST", body })) as { seen?: unknown }).seen;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        // The messages of a line that ends say why.
        if (error.code === "line_ended") return false;
        if (error.code !== "out_of_order") throw error;
        // An earlier request was taken, and its answer lost.
        arrived = Number(error.expected) - 1;
      }
      const more = Number(arrived) - taken;
      if (!(more >= 0 && more <= queue.length)) {
        end({ code: LOST, reason: "the server counts other messages" });
        return false;
      }
      queue.splice(0, more);
      taken += more;
      failingSince = undefined;
      return true;
    });
    isSending = false;
  }

  /** What is sent next. */
  function batch(): string[] {
    let characters = 0;
    const beyond = queue.findIndex((text, index) => {
      characters += text.length;
      return index > 0 && (index >= MOST_MESSAGES || characters > MOST_CHARACTERS);
    });
    return beyond < 0 ? queue.slice() : queue.slice(0, beyond);
  }

  function end(ended: Ended): void {
    if (over.signal.aborted) return;
    over.abort();
    hears.ended(ended);
  }

  /** Tells the server, who may hear of it or not. */
  function leave(): void {
    const init = { method: "POST", keepalive: true, signal: AbortSignal.timeout(requestWithinMs) };
    request(down.address("close"), init).catch(() => {});
  }

  void open();
  return {
    send(text) {
      queue.push(text);
      void sendAll();
    },
    close(forGood) {
      if (over.signal.aborted) return;
      over.abort();
      // One that is lost is left to the server, for its session is to go on.
      if (forGood && secret !== undefined) leave();
    },
  };
}

/** The end that an answer means; nothing where the request is made again. */
function endOf(error: unknown): Ended | undefined {
  if (!(error instanceof Refused)) return undefined;
  const { code, message: reason, status } = error;
  if (status === 413) return { code: 1009, reason };
  // A newer request has taken the place of this one, or the server has too much to do.
  const isForNow = code === "replaced" || status === 408 || status === 429 || status >= 500;
  // There is no such line, it is not ours, or what we say is wrong: saying it again changes nothing.
  return isForNow ? undefined : { code: LOST, reason };
}

/** The end that the server writes as the last message. */
export function readEnd(text: string): Ended | undefined {
  if (!text.startsWith('{"close":')) return undefined;
  const { close } = JSON.parse(text) as { close: { code: number; reason: string } };
  return { code: close.code, reason: close.reason };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
