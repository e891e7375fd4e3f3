// What outlives a line: calls without an answer, what was taken of them, and what has come. No clock, no socket.
//
//   ask ─▶ unsent ─takeOutgoing▶ sent, numbered by their order ─heard▶ answered
//             ▲                     │ the line is lost
//             └── not taken ────────┘ connected {recovered, seen}: what was taken waits for its answer
//
// After each call: send what `takeOutgoing` gives. `deadline` says when `handleTimeout` is due. Times are milliseconds.

import { type Problem, TielineError } from "./errors.ts";
import { type Connected, type Heard, writeCall, writeNotification } from "./wire.ts";

/**
 * `line`: it means this line alone, and is forgotten with it. `once`: it is sent again where it was not taken, and in another
 * session never. `session`: it is sent again, even in another session.
 */
export type Kind = "line" | "once" | "session";

/** What a call came to. */
export type Outcome = { readonly result: unknown } | { readonly error: TielineError };

export type Settle = (outcome: Outcome) => void;

interface Call {
  readonly id: number;
  readonly kind: Kind;
  readonly text: string;
  readonly until: number;
  readonly settle: Settle;
  /** Its number in the session, once it was sent. */
  number?: number | undefined;
}

export interface SessionOptions {
  readonly callWithinMs: number;
  readonly maxCalls: number;
  readonly maxCharacters: number;
}

export type Session = ReturnType<typeof createSession>;

/** So many answers, or characters of them, or so long after the first, the server is told what has come. */
const ACK_EVERY = 32;
const ACK_EVERY_CHARACTERS = 65_536;
const ACK_WITHIN_MS = 1_000;

export function createSession(options: SessionOptions) {
  let known: { id: string; secret: string } | undefined;
  let isConnected = false;
  let nextId = 1;
  let connectId: number | undefined;
  /** Requests that were sent in this session. */
  let sent = 0;
  /** Answers of this session that have come, and what was said of that. */
  let seen = 0;
  let acknowledged = 0;
  let seenCharacters = 0;
  let ackAt: number | undefined;
  /** Every call that has no answer, the oldest first. */
  const waiting = new Map<number, Call>();
  let waitingCharacters = 0;
  let unsent: Call[] = [];
  /** Whether the last line ended because a message was too large. */
  let wasTooLarge = false;

  function forget(call: Call): boolean {
    if (!waiting.delete(call.id)) return false;
    waitingCharacters -= call.text.length;
    return true;
  }

  function settle(call: Call, outcome: Outcome): void {
    if (forget(call)) call.settle(outcome);
  }

  /** Whoever asked something of a line learns from the line that it is gone. */
  function fail(call: Call, problem: Problem): void {
    if (call.kind === "line") forget(call);
    else settle(call, { error: new TielineError(problem) });
  }

  function count(characters: number, now: number): void {
    seen += 1;
    seenCharacters += characters;
    ackAt ??= now + ACK_WITHIN_MS;
    if (seen - acknowledged >= ACK_EVERY || seenCharacters >= ACK_EVERY_CHARACTERS) ackAt = now;
  }

  function rejectTooLarge(): void {
    const first = [...waiting.values()].filter(({ number }) => number === undefined);
    const largest = first.reduce<Call | undefined>(
      (most, call) => (most && most.text.length >= call.text.length ? most : call),
      undefined,
    );
    if (largest) fail(largest, "too-large");
  }

  return {
    /** The first message of a line. */
    connect(params: { name?: string }): string {
      connectId = nextId++;
      const session = known && { id: known.id, secret: known.secret, seen };
      return writeCall(connectId, "connect", { ...params, ...(session ? { session } : {}) });
    },

    /** Whether this answers `connect`. */
    isOfConnect: (heard: Heard): boolean =>
      (heard.kind === "answer" || heard.kind === "error") && heard.id === connectId,

    /** The line is there: what was not taken is sent again. */
    connected({ recovered, seen: taken, session }: Connected): void {
      isConnected = true;
      known = session;
      if (!recovered) {
        seen = 0;
        acknowledged = 0;
      }
      sent = recovered ? taken : 0;
      seenCharacters = 0;
      ackAt = undefined;
      for (const call of [...waiting.values()]) {
        if (call.number === undefined || (recovered && call.number <= taken)) continue;
        if (!recovered && call.kind === "once") fail(call, "lost");
        else call.number = undefined;
      }
      if (wasTooLarge) rejectTooLarge();
      wasTooLarge = false;
      unsent = [...waiting.values()].filter(({ number }) => number === undefined);
    },

    /** The line is gone; `code` says why. */
    lost(code?: number): void {
      isConnected = false;
      connectId = undefined;
      ackAt = undefined;
      wasTooLarge ||= code === 1009;
      for (const call of [...waiting.values()]) if (call.kind === "line") forget(call);
    },

    /** Asks something; `settle` is called once, or never where the line that is meant is lost. */
    ask(kind: Kind, method: string, params: object, now: number, settle: Settle): void {
      const id = nextId++;
      const text = writeCall(id, method, params);
      const isFull =
        waiting.size >= options.maxCalls || waitingCharacters + text.length > options.maxCharacters;
      // What a line itself asks is one call for each channel at most.
      if (isFull && kind !== "line") {
        settle({ error: new TielineError("busy") });
        return;
      }
      const call: Call = { id, kind, text, until: now + options.callWithinMs, settle };
      waiting.set(id, call);
      waitingCharacters += text.length;
      unsent.push(call);
    },

    /** Takes a message of the line that is connected. */
    heard(heard: Heard, characters: number, now: number): void {
      if (heard.kind === "message" && heard.device === undefined) count(characters, now);
      if (heard.kind !== "answer" && heard.kind !== "error") return;
      count(characters, now);
      const call = heard.id === null ? undefined : waiting.get(heard.id);
      if (call === undefined) return;
      if (heard.kind === "answer") settle(call, { result: heard.result });
      else settle(call, { error: new TielineError(heard.code, heard.message, heard.data) });
    },

    /** What is to be sent, in this order. */
    takeOutgoing(now: number): string[] {
      if (!isConnected) return [];
      const texts: string[] = [];
      for (const call of unsent) {
        if (!waiting.has(call.id)) continue;
        sent += 1;
        call.number = sent;
        texts.push(call.text);
      }
      unsent = [];
      if (ackAt !== undefined && ackAt <= now) {
        texts.push(writeNotification("ack", { seen }));
        acknowledged = seen;
        seenCharacters = 0;
        ackAt = undefined;
      }
      return texts;
    },

    /** Gives up what has waited too long. Whether the line left a call of its own without an answer. */
    handleTimeout(now: number): boolean {
      let isDead = false;
      for (const call of waiting.values()) {
        if (call.until > now) break;
        isDead ||= call.kind === "line";
        fail(call, "timed-out");
      }
      return isDead;
    },

    /** When `handleTimeout` or `takeOutgoing` has something to do. */
    deadline(): number {
      const [first] = waiting.values();
      return Math.min(first?.until ?? Infinity, ackAt ?? Infinity);
    },

    /** Ends every call that waits. */
    end(): void {
      isConnected = false;
      unsent = [];
      for (const call of [...waiting.values()]) fail(call, "closed");
    },
  };
}
