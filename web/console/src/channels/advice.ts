// What went wrong on a channel, in words, and what to do next.

import type { TielineError } from "../../../sdk/src/index.ts";

export interface Advice {
  readonly what: string;
  readonly next: string;
}

/** What somebody wanted to do on which channel. */
export interface Wish {
  readonly deed: "publish" | "subscribe";
  readonly channel: string;
  readonly hasToken: boolean;
}

/** What an error means; those of the codes of docs/codes.md that a person can do something about. */
export function adviceOn({ code, message }: TielineError, wish: Wish): Advice {
  const { channel, deed, hasToken } = wish;
  switch (code) {
    case 4003:
    case 4401:
      return hasToken
        ? {
            what: "This token is not good here, or has expired.",
            next: "Give another under “Token”.",
          }
        : { what: "Who has no token is not let in here.", next: "Give one under “Token”." };
    case 4004:
      return {
        what: hasToken
          ? `The token does not give the right to ${deed} here.`
          : `Who has no token may not ${deed} here.`,
        next: `Give one under “Token” that has the right “${deed}:${channel}”.`,
      };
    case 4005:
      return {
        what: `There is no channel “${channel}” here.`,
        next: `Choose another, or add [namespace.${namespaceOf(channel)}] to the configuration.`,
      };
    case 4010:
      return {
        what: "Patterns are not allowed here.",
        next: `Choose one channel, or set patterns = true in [namespace.${namespaceOf(channel)}].`,
      };
    case "too-large":
      return { what: "This is larger than the server takes.", next: "Say less at once." };
    case "timed-out":
      return {
        what: "There was no answer in time: it may have been published.",
        next: "Look whether it is there before you say it again.",
      };
    default:
      return { what: `${message || "It did not work"} (${code}).`, next: "" };
  }
}

/** What it means that a line was lost, or none could be opened. */
export function adviceOnLoss(code: number, wasOpen: boolean): Advice {
  if (code === 4409) return { what: "The session goes on elsewhere.", next: "" };
  return wasOpen
    ? { what: "The line was lost.", next: "It comes back by itself, and with it what was missed." }
    : {
        what: "Nothing gets through to this address.",
        next: "Is the server there, and does it have a route of the kind “channels” at this path?",
      };
}

/** Why publications are missing. */
export function reasonOf(reason: string): string {
  switch (reason) {
    case "epoch":
      return "the log began anew, and what was in it may be lost";
    case "expired":
      return "some of them are kept no more";
    case "slow":
      return "the line, or this page, was too slow for them";
    case "too_many":
      return "they are too many to be given at once";
    case "pattern":
      return "a pattern has no log, and the line was away";
    case "unknown":
      return "the server does not know the place that we were at";
    default:
      return reason;
  }
}

/** The namespace of a channel, as it is written in a configuration. */
function namespaceOf(channel: string): string {
  const colon = channel.indexOf(":");
  const name = colon < 0 ? "" : channel.slice(0, colon);
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
