// One channel or pattern: whether it is wanted, whether the server has it, and what of it was seen.
//
//   off ─wanted, line▶ asking ─answer▶ on ─not wanted▶ leaving ─answer▶ off
//    ▲                   │ refused      │ a hole: left and asked for again, from where it was
//    └──── the line is lost ────────────┘
//
// Where more was missed than an answer gives, it is read page by page, and then asked for again from there.

import { createBackoff } from "./backoff.ts";
import { TielineError } from "./errors.ts";
import { type Caught, createRecovery, type Gap } from "./recovery.ts";
import type { Settle } from "./session.ts";
import { createWaiters } from "./waiters.ts";
import {
  given,
  type Member,
  type Notification,
  type Position,
  type Publication,
  readHistory,
  readSubscribed,
  type Subscribed,
} from "./wire.ts";

/** What a subscription tells. */
export type Told =
  | { readonly kind: "publication"; readonly publication: Publication }
  | { readonly kind: "gap"; readonly gap: Gap }
  | { readonly kind: "join" | "leave"; readonly member: Member }
  | { readonly kind: "subscribed"; readonly position?: Position; readonly recovered?: boolean }
  | { readonly kind: "unsubscribed"; readonly code: number; readonly reason: string }
  | { readonly kind: "error"; readonly error: TielineError };

export interface Hooks {
  /** Asks the server, on this line alone; the answer is told at once, for what comes behind it builds on it. */
  ask(method: string, params: object, settle: Settle): void;
  tell(told: Told): void;
}

export type Subscription = ReturnType<typeof createSubscription>;

/** Waits before a channel is asked for again that the server could not give. */
const AGAIN = { baseMs: 500, maxMs: 30_000, stableAfterMs: 0 };

export function createSubscription(name: string, { ask, tell }: Hooks) {
  const recovery = createRecovery();
  let backoff = createBackoff(AGAIN);
  let phase: "asking" | "leaving" | "off" | "on" | "reading" = "off";
  let isWanted = false;
  let isUp = false;
  let closed: TielineError | undefined;
  /** Which line it is, by their count. */
  let line = 0;
  let again: ReturnType<typeof setTimeout> | undefined;
  const { settle, wait: untilSettled } = createWaiters();

  /** Does what is to be done next, if nothing is under way. */
  function turn(): void {
    if (!isUp) {
      if (!isWanted) settle();
      return;
    }
    if (phase === "off" && isWanted && again === undefined) subscribe();
    else if (phase === "off" && !isWanted) settle();
    else if (phase === "on" && !isWanted) leave();
    else if (phase === "on") settle();
  }

  function subscribe(): void {
    phase = "asking";
    const position = recovery.position();
    ask(
      "subscribe",
      { channel: name, ...given({ position }) },
      onThisLine((outcome) => {
        if ("error" in outcome) refused(outcome.error);
        else subscribed(outcome.result);
      }),
    );
  }

  /** What an earlier line answers is nobody's news. */
  function onThisLine(settle: Settle): Settle {
    const mine = line;
    return (outcome) => {
      if (mine !== line) return;
      settle(outcome);
      turn();
    };
  }

  function subscribed(result: unknown): void {
    const answer = readSubscribed(name, result);
    if (answer === undefined) {
      refused(new TielineError(-32603, "the answer to subscribe is none"));
      return;
    }
    phase = "on";
    backoff = createBackoff(AGAIN);
    if (!isWanted) return;
    if (answer.reason === "too_many" && recovery.position()) readOn(answer);
    else goOn(answer);
  }

  /** From here on it is followed. */
  function goOn(answer: Subscribed): void {
    const caught = recovery.subscribed(answer);
    const { recovered } = caught;
    tell({ kind: "subscribed", ...given({ position: answer.position, recovered }) });
    hand(caught);
  }

  function hand({ gap, publications }: Caught): void {
    if (gap) tell({ kind: "gap", gap });
    for (const publication of publications) {
      // Whoever hears one may want no more.
      if (isWanted) tell({ kind: "publication", publication });
    }
  }

  /** Reads a page of what was missed. What comes meanwhile is missed, too, until it is asked for again at the end. */
  function readOn(answer: Subscribed): void {
    phase = "reading";
    const after = recovery.position()?.offset;
    const read = onThisLine((outcome) => {
      phase = "on";
      // Nobody wanted it meanwhile, and perhaps somebody does again.
      if (!isWanted || recovery.position() === undefined) {
        leave();
        return;
      }
      const history = "result" in outcome ? readHistory(name, outcome.result) : undefined;
      if (!history) {
        goOn(answer);
        return;
      }
      hand(recovery.page(history));
      const position = recovery.position();
      if (!isWanted || !position) return;
      if (position.offset < history.position.offset) readOn(answer);
      else leave();
    });
    ask("history", { channel: name, after }, read);
  }

  function refused(error: TielineError): void {
    phase = "off";
    if (!isWanted) return;
    if (error.retry === "retry") {
      again = setTimeout(() => {
        again = undefined;
        turn();
      }, backoff.next(Math.random()));
    } else {
      isWanted = false;
      settle(error);
    }
    tell({ kind: "error", error });
  }

  function leave(): void {
    phase = "leaving";
    // Where there is no such subscription any more it has been left, too.
    const left = onThisLine(() => {
      phase = "off";
    });
    ask("unsubscribe", { channel: name }, left);
  }

  return {
    /** Whether it is wanted. */
    isWanted: () => isWanted,
    /** What was seen last. */
    position: () => recovery.position(),

    /** Done when the server has it; `position` is where to go on, if it is not known yet. */
    want(): Promise<void> {
      if (closed) return Promise.reject(closed);
      if (!isWanted) {
        recovery.forget();
        // Whoever waited for its end has it.
        settle();
      }
      isWanted = true;
      return wait();
    },

    /** Done when the server has it no more. */
    unwant(): Promise<void> {
      if (!isWanted) return Promise.resolve();
      isWanted = false;
      clearTimeout(again);
      again = undefined;
      settle(new TielineError("unsubscribed"));
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
      turn();
    },

    /** Hears what the server says of it. */
    heard(notification: Notification): void {
      if (phase !== "on" || !isWanted) return;
      switch (notification.kind) {
        case "publication": {
          const { publication } = notification;
          const verdict = recovery.take(publication.offset);
          if (verdict === "next") tell(notification);
          if (verdict === "hole") leave();
          return;
        }
        case "gap": {
          const position = "position" in notification ? notification.position : undefined;
          tell({ kind: "gap", gap: recovery.gap(position, notification.reason) });
          return;
        }
        case "join":
        case "leave":
          tell(notification);
          return;
        case "unsubscribed":
          phase = "off";
          isWanted = false;
          tell(notification);
      }
    },

    /** The client is closed. */
    close(error: TielineError): void {
      closed = error;
      isWanted = false;
      clearTimeout(again);
      again = undefined;
      settle(error);
    },
  };

  function wait(): Promise<void> {
    const waited = untilSettled();
    turn();
    return waited;
  }
}
