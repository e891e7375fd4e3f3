// What is said on a line to the gateway, and when: no socket, no clock, no randomness.
//
//   offline ─opened▶ binding ─RO▶ bound ─OS, CR▶ leaving
//      ▲     RG        │ RF, silence │ silence     │ a second later
//      └───────────────┴─────────────┴─────────────┘ the line is to be opened anew, or is lost
//
// After each call: send what `takeOutgoing` gives, hand on what `takeAnswers` and `takeHeard` give, and open the line
// anew where `takeRestart` says so. `deadline` says when `handleTimeout` is due. Times are milliseconds.

import { type Call, isSuccess, type Response } from "./call.ts";
import { decodeAnswer } from "./envelope.ts";
import { parseWord } from "./word.ts";

/** Why a call has no answer. */
export type CallProblem = "busy" | "ended" | "lost" | "timed-out";

const PROBLEMS: Readonly<Record<CallProblem, string>> = {
  busy: "too many calls wait: wait for some of them",
  ended: "the client has ended",
  lost: "the line was lost before the answer: the call may have been carried out, or not",
  "timed-out": "no answer in time",
};

/** A call has no answer. */
export class CallError extends Error {
  readonly problem: CallProblem;

  constructor(problem: CallProblem) {
    super(PROBLEMS[problem]);
    this.name = "CallError";
    this.problem = problem;
  }
}

/** What the owner of a client hears. */
export type Heard =
  | { readonly kind: "bound" }
  | { readonly kind: "not-bound"; readonly why: string }
  | { readonly kind: "notify"; readonly text: string }
  | { readonly kind: "register-failed"; readonly status?: number }
  | { readonly kind: "registered" };

export type Kind = "COMMON" | "REGISTER" | "UNREGISTER";

/** What is to be sent: a word, or a call that may still have to be signed. */
export type Outgoing =
  | { readonly kind: "call"; readonly call: Call }
  | { readonly kind: "word"; readonly text: string };

export interface SessionOptions {
  readonly deviceId: string;
  readonly host: string;
  readonly callWithinMs: number;
  readonly bindWithinMs: number;
  readonly maxCalls: number;
}

type Answer = Response | CallProblem;
type Settle = (answer: Answer) => void;

interface Waiting {
  readonly kind: Kind;
  readonly call: Call;
  readonly until: number;
  readonly settle: Settle;
}

type Phase =
  | { readonly kind: "binding"; readonly until: number }
  | {
      readonly kind: "bound";
      credential: string;
      keepAliveMs: number;
      beatAt: number;
      heardAt: number;
    }
  | { readonly kind: "leaving"; readonly at: number }
  // There is no line, or it is about to end: nothing is said on it.
  | { readonly kind: "offline" };

export type Session = ReturnType<typeof createSession>;

/** How many heartbeats may be without any answer. */
const SILENT_BEATS = 3;

/** How long answers are still waited for before a line is left that the gateway wants to end. */
const BEFORE_LEAVING_MS = 1_000;

/** Nobody is asked to beat faster. */
const MIN_KEEP_ALIVE_MS = 1_000;

const FORM = "application/x-www-form-urlencoded; charset=utf-8";

/** A session of one device. */
export function createSession(options: SessionOptions) {
  let phase: Phase = { kind: "offline" };
  let nextSeq = 0;
  let restarts = false;
  /** What the device is registered with, for as long as that is wanted. */
  let registration: { call: Call; isDone: boolean } | undefined;
  let queue: Waiting[] = [];
  const sent = new Map<string, Waiting>();
  let outgoing: Outgoing[] = [];
  let heard: Heard[] = [];

  const say = (text: string) => outgoing.push({ kind: "word", text });
  const waitingCalls = () => [...queue, ...sent.values()];
  const isRegistering = () => waitingCalls().some(({ kind }) => kind === "REGISTER");

  /** Asks for the line's end, once; until then it is heard, and nothing is said on it. */
  function endLine(): void {
    if (phase.kind === "offline") return;
    phase = { kind: "offline" };
    restarts = true;
  }

  function sendQueued(): void {
    if (phase.kind !== "bound") return;
    for (const waiting of queue) {
      const seq = String(nextSeq);
      nextSeq += 1;
      outgoing.push({ kind: "call", call: complete(waiting, seq) });
      sent.set(seq, waiting);
    }
    queue = [];
  }

  /** Adds the headers that every call has. */
  function complete({ call, kind }: Waiting, seq: string): Call {
    const headers: Record<string, string> = {
      host: options.host,
      accept: "application/json; charset=utf-8",
      ...(call.body.kind === "form" ? { "content-type": FORM } : {}),
      ...call.headers,
      "x-ca-seq": seq,
      ...(kind === "COMMON" ? {} : { "x-ca-websocket_api_type": kind }),
    };
    return { ...call, headers };
  }

  /** Registers where that is wanted, not done, and not asked at the moment. */
  function registerAgain(now: number): void {
    if (registration === undefined || registration.isDone || isRegistering()) return;
    const { call } = registration;
    queue.unshift({ kind: "REGISTER", call, until: now + options.callWithinMs, settle: () => {} });
    sendQueued();
  }

  function registered(response: Response | undefined): void {
    // One that is not wanted any more, or that another follows, is nobody's news.
    if (registration === undefined || isRegistering()) return;
    if (response !== undefined && isSuccess(response)) {
      registration.isDone = true;
      heard.push({ kind: "registered" });
      return;
    }
    // What the backend refuses it will refuse again; what failed may do better at the next beat.
    const status = response?.status;
    if (status !== undefined && status >= 400 && status < 500) registration = undefined;
    heard.push({ kind: "register-failed", ...(status === undefined ? {} : { status }) });
  }

  function answered(text: string): void {
    const answer = decodeAnswer(text);
    const waiting = answer && sent.get(answer.seq);
    if (answer === undefined || waiting === undefined) return;
    sent.delete(answer.seq);
    if (waiting.kind === "REGISTER") registered(answer.response);
    waiting.settle(answer.response);
  }

  function giveUpLate(now: number): void {
    const isLate = (waiting: Waiting) => waiting.until <= now;
    const late = queue.filter(isLate);
    queue = queue.filter((waiting) => !isLate(waiting));
    for (const [seq, waiting] of sent) {
      if (isLate(waiting)) {
        sent.delete(seq);
        late.push(waiting);
      }
    }
    for (const waiting of late) {
      if (waiting.kind === "REGISTER") registered(undefined);
      waiting.settle("timed-out");
    }
  }

  return {
    /** The line is open. */
    opened(now: number): void {
      say(`RG#${options.deviceId}`);
      phase = { kind: "binding", until: now + options.bindWithinMs };
    },

    /** The line has ended. */
    lost(): void {
      phase = { kind: "offline" };
      outgoing = [];
      restarts = false;
      if (registration) registration.isDone = false;
      const calls = [...sent.values()];
      sent.clear();
      for (const { settle } of calls) settle("lost");
    },

    /** A text of the gateway's. */
    received(text: string, now: number): void {
      if (phase.kind === "bound") phase.heardAt = now;
      const word = parseWord(text);
      switch (word?.kind) {
        case undefined:
          return;
        case "alive":
          // Another credential: the gateway has lost its table, and wants to be told again.
          if (phase.kind === "bound" && phase.credential !== word.credential && registration) {
            registration.isDone = false;
            registerAgain(now);
          }
          return;
        case "bound": {
          if (phase.kind !== "binding") return;
          const keepAliveMs = Math.max(word.keepAliveMs, MIN_KEEP_ALIVE_MS);
          const { credential } = word;
          phase = {
            kind: "bound",
            credential,
            keepAliveMs,
            beatAt: now + keepAliveMs,
            heardAt: now,
          };
          heard.push({ kind: "bound" });
          registerAgain(now);
          sendQueued();
          return;
        }
        case "come-back":
          if (phase.kind === "binding" || phase.kind === "bound") {
            phase = { kind: "leaving", at: now + BEFORE_LEAVING_MS };
          }
          return;
        case "envelope":
          answered(text);
          return;
        case "not-bound":
          heard.push({ kind: "not-bound", why: word.why });
          endLine();
          return;
        case "notify":
          heard.push({ kind: "notify", text: word.text });
          return;
      }
    },

    /** A call, sent when the device is bound; `settle` is called once. */
    call(kind: Kind, call: Call, now: number, settle: Settle): void {
      if (queue.length + sent.size >= options.maxCalls) {
        settle("busy");
        return;
      }
      if (kind === "REGISTER") registration = { call, isDone: false };
      if (kind === "UNREGISTER") registration = undefined;
      queue.push({ kind, call, until: now + options.callWithinMs, settle });
      sendQueued();
    },

    /** The owner has dealt with one message. */
    acknowledge(): void {
      if (phase.kind !== "offline") say("NO");
    },

    /** What is due now. */
    handleTimeout(now: number): void {
      if (phase.kind === "binding" && phase.until <= now) endLine();
      if (phase.kind === "leaving" && phase.at <= now) endLine();
      if (phase.kind === "bound" && phase.beatAt <= now) {
        phase.beatAt = now + phase.keepAliveMs;
        if (now - phase.heardAt > SILENT_BEATS * phase.keepAliveMs) {
          endLine();
        } else {
          say("H1");
          registerAgain(now);
        }
      }
      giveUpLate(now);
    },

    /** When `handleTimeout` is due. */
    deadline(): number | undefined {
      const times = waitingCalls().map((waiting) => waiting.until);
      if (phase.kind === "binding") times.push(phase.until);
      if (phase.kind === "bound") times.push(phase.beatAt);
      if (phase.kind === "leaving") times.push(phase.at);
      return times.length === 0 ? undefined : Math.min(...times);
    },

    endLine,

    /** Ends every call that waits. */
    end(): void {
      const calls = waitingCalls();
      queue = [];
      sent.clear();
      for (const { settle } of calls) settle("ended");
    },

    takeOutgoing(): Outgoing[] {
      const taken = outgoing;
      outgoing = [];
      return taken;
    },

    takeHeard(): Heard[] {
      const taken = heard;
      heard = [];
      return taken;
    },

    /** Whether the line is to be closed and opened anew. */
    takeRestart(): boolean {
      const taken = restarts;
      restarts = false;
      return taken;
    },
  };
}
