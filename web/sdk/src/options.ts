// What whoever makes a client may say of it.

import type { CarrierName } from "./carriers/carrier.ts";
import type { TokenSource } from "./tokens.ts";

/** How a client speaks; times are milliseconds. */
export interface Options {
  /** Who this is. Default nobody. */
  readonly token?: TokenSource;
  /** What the client calls itself; others see it where it is present. */
  readonly name?: string;
  /** Carriers that may be used; the best is tried first. Default all. */
  readonly carriers?: readonly CarrierName[];
  /** How long a carrier may take until `connect` is answered. Default 3,000. */
  readonly connectWithinMs?: number;
  /** How long an HTTP request may take where there is no WebSocket, and how long none may get through. Default 30,000. */
  readonly requestWithinMs?: number;
  /** How long a call may take, the waiting for a line included. Default 30,000. */
  readonly callWithinMs?: number;
  /** Silence after which the line is asked whether it is there. Default what the server says. */
  readonly silentMs?: number;
  /** How long it may take to answer that. Default 10,000. */
  readonly answerWithinMs?: number;
  /** Waits before WebSocket is tried again from below; the last one repeats. Default 30 s, 2 min, 10 min. */
  readonly climbAfterMs?: readonly number[];
  /** Longest wait before the first attempt to come back; it doubles. Default 500. */
  readonly baseMs?: number;
  /** Where the doubling ends. Default 30,000. */
  readonly maxMs?: number;
  /** How long a line must have been open for the doubling to start anew. Default 10,000. */
  readonly stableAfterMs?: number;
  /** Most calls without an answer, and most characters of them. Default 1,000 and 1,048,576. */
  readonly maxCalls?: number;
  readonly maxCharacters?: number;
  /** Most that waits for a loop over a channel. Default 1,000. */
  readonly maxItems?: number;
  /** Instead of those that are there already; Node 20 has no WebSocket of its own, npm `ws` does. */
  readonly WebSocket?: unknown;
  readonly EventSource?: unknown;
  readonly fetch?: typeof fetch;
}
