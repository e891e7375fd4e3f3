// What goes wrong, and what to do then: the codes of docs/codes.md, and those of the client's own.

/** Why a call came to nothing on this side of the line. */
export type Problem =
  | "busy"
  | "closed"
  | "lost"
  | "timed-out"
  | "too-large"
  | "unsubscribed"
  | "unsupported";

/**
 * What to do: say it again after a while, get a newer token, or neither, for it would fail again. `check`: it may have
 * been carried out, and only the application knows whether to say it again.
 */
export type Advice = "check" | "give-up" | "retry" | "token";

const PROBLEMS: Readonly<Record<Problem, readonly [Advice, string]>> = {
  busy: ["retry", "as many calls wait as may: wait for some of them"],
  closed: ["give-up", "the client is closed"],
  lost: ["check", "the session was lost before the answer: it may have been carried out"],
  "timed-out": ["check", "no answer in time: it may have been carried out"],
  "too-large": ["give-up", "the message is larger than the server takes"],
  unsubscribed: ["give-up", "it was unsubscribed meanwhile"],
  unsupported: ["give-up", "no carrier can be used here"],
};

/** The server's codes that do not mean to give up. */
const ADVICE: Readonly<Record<number, Advice>> = {
  [-32603]: "retry",
  [-32005]: "retry",
  [-32002]: "check",
  4003: "token",
  4011: "retry",
  4012: "retry",
  4018: "retry",
  4401: "token",
};

/** The code of a token that is not good here. */
export const TOKEN = 4003;

/** The code that ends a line whose token has expired. */
export const TOKEN_EXPIRED = 4401;

/** The code that ends a line whose session goes on over a newer one. */
export const SUPERSEDED = 4409;

/** Whether an end means that the token is not good any more. */
export const isOfToken = (code: number): boolean => code === TOKEN || code === TOKEN_EXPIRED;

/** Whether coming back after a line that ended so would end the same way. */
export const isForGood = (code: number): boolean => FOR_GOOD.has(code);

/** 4403: the token was revoked. */
const FOR_GOOD = new Set([1000, 1003, 1008, 1010, 3000, 3003, 4403]);

/** A call that came to nothing, or why a client is closed. */
export class TielineError extends Error {
  /** A number is the server's: docs/codes.md has them all. */
  readonly code: number | Problem;
  readonly retry: Advice;
  /** What else the server says of it. */
  readonly data: unknown;

  constructor(code: number | Problem, message?: string, data?: unknown) {
    const [advice, known] =
      typeof code === "string" ? PROBLEMS[code] : ([ADVICE[code] ?? "give-up", ""] as const);
    super(message ?? known);
    this.name = "TielineError";
    this.code = code;
    this.retry = advice;
    this.data = data;
  }
}

/** An error that is known to be one of ours. */
export function asTielineError(error: unknown): TielineError {
  return error instanceof TielineError ? error : new TielineError(-32603, String(error));
}
