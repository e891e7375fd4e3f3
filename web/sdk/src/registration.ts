// One device: whether it is wanted, and whether the server has it on this line.
//
//   off ─wanted, line▶ asking ─answer▶ on ─forgotten▶ leaving ─answer▶ off, and wanted no more
//    ▲                   │ refused      │ the server says that it goes on elsewhere
//    └──── the line is lost ────────────┘

import { createBackoff } from "./backoff.ts";
import type { TielineError } from "./errors.ts";
import type { Settle } from "./session.ts";
import { createWaiters } from "./waiters.ts";

/** What a registration tells. */
export type RegistrationTold =
  | { readonly kind: "registered" }
  | { readonly kind: "unregistered"; readonly code: number; readonly reason: string }
  | { readonly kind: "error"; readonly error: TielineError };

export interface RegistrationHooks {
  /** Asks the server, on this line alone. */
  ask(method: string, params: object, settle: Settle): void;
  tell(told: RegistrationTold): void;
}

export type Registration = ReturnType<typeof createRegistration>;

/** Waits before a device is registered again that the server could not take. */
const AGAIN = { baseMs: 500, maxMs: 30_000, stableAfterMs: 0 };

export function createRegistration(device: string, { ask, tell }: RegistrationHooks) {
  let phase: "asking" | "leaving" | "off" | "on" = "off";
  let wish: "forgotten" | "none" | "registered" = "none";
  let isUp = false;
  let closed: TielineError | undefined;
  let backoff = createBackoff(AGAIN);
  /** Which line it is, by their count. */
  let line = 0;
  let again: ReturnType<typeof setTimeout> | undefined;
  const { settle, wait: untilSettled } = createWaiters();

  /** Does what is to be done next, if nothing is under way. */
  function turn(): void {
    if (!isUp || again !== undefined) return;
    // Whoever is to be forgotten says on this line who it is.
    if (phase === "off" && wish !== "none") say("asking", "register", registered);
    else if (phase === "on" && wish === "forgotten") say("leaving", "unregister", forgotten);
    else if (phase === "on") settle();
  }

  function say(during: "asking" | "leaving", method: string, done: () => void): void {
    phase = during;
    const mine = line;
    ask(method, { device }, (outcome) => {
      // What an earlier line answers is nobody's news.
      if (mine !== line) return;
      if ("error" in outcome) refused(outcome.error, during === "leaving" ? "on" : "off");
      else done();
      turn();
    });
  }

  function registered(): void {
    phase = "on";
    backoff = createBackoff(AGAIN);
    tell({ kind: "registered" });
  }

  function forgotten(): void {
    phase = "off";
    wish = "none";
    settle();
  }

  function refused(error: TielineError, before: "off" | "on"): void {
    phase = before;
    if (wish === "none") return;
    if (error.retry === "retry") {
      again = setTimeout(() => {
        again = undefined;
        turn();
      }, backoff.next(Math.random()));
    } else {
      phase = "off";
      wish = "none";
      settle(error);
    }
    tell({ kind: "error", error });
  }

  function stop(): void {
    wish = "none";
    clearTimeout(again);
    again = undefined;
  }

  function wait(): Promise<void> {
    if (closed) return Promise.reject(closed);
    const waited = untilSettled();
    turn();
    return waited;
  }

  return {
    /** Whether the server has it on this line. */
    isOn: () => phase === "on",

    /** Whether it is wanted, on this line or on the next. */
    isWanted: () => wish === "registered",

    /** Done when the server has it. */
    want(): Promise<void> {
      wish = "registered";
      return wait();
    },

    /** Done when the server has forgotten it. */
    forget(): Promise<void> {
      if (wish === "none") return Promise.resolve();
      wish = "forgotten";
      return wait();
    },

    lineUp(): void {
      isUp = true;
      turn();
    },

    lineDown(): void {
      isUp = false;
      line += 1;
      phase = "off";
    },

    /** The server says that this line is the device's no more. */
    unregistered(code: number, reason: string, error: TielineError): void {
      if (wish === "none") return;
      phase = "off";
      // What was asked before is answered late.
      line += 1;
      stop();
      settle(error);
      tell({ kind: "unregistered", code, reason });
    },

    /** The client is closed. */
    close(error: TielineError): void {
      closed = error;
      stop();
      settle(error);
    },
  };
}
