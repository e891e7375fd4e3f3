// What the demos say on the wire, checked at the border.

import { parseObject } from "./json.ts";

/** What the counter's server says. */
export type CounterNews =
  | { readonly type: "state"; readonly value: number }
  | { readonly type: "users"; readonly count: number };

/** What a client may ask of the counter. */
export type CounterAction = "minus" | "plus";

/** Reads a message of the counter; anything else is undefined. Members that are not known are let be. */
export function parseCounterNews(text: string): CounterNews | undefined {
  const news = parseObject(text);
  if (news?.type === "state" && isCount(news.value)) return { type: "state", value: news.value };
  if (news?.type === "users" && isCount(news.count)) return { type: "users", count: news.count };
  return undefined;
}

/** Writes what a client asks of the counter. */
export function formatCounterAction(action: CounterAction): string {
  return JSON.stringify({ action });
}

/** Writes what a client says in the room. */
export function formatRoomMessage(uid: string, message: string): string {
  return JSON.stringify({ uid, message });
}

/** A line of the chat, taken apart as far as that is certain. */
export type ChatLine =
  | { readonly kind: "joined"; readonly name: string }
  | { readonly kind: "left"; readonly name: string }
  | { readonly kind: "said"; readonly name: string; readonly text: string }
  | { readonly kind: "unknown" };

/**
 * Takes a line of the chat apart: `Welcome, NAME !`, `NAME Logout` or `NAME:text`.
 *
 * A name may hold colons itself (an IPv6 address), so the names seen so far decide first, the longest before the
 * others; a line that could be cut in two ways stays whole.
 */
export function parseChatLine(line: string, names: ReadonlySet<string>): ChatLine {
  const welcomed = /^Welcome, (.+) !$/.exec(line)?.[1];
  if (welcomed !== undefined) return { kind: "joined", name: welcomed };

  const known = [...names].sort((a, b) => b.length - a.length);
  for (const name of known) {
    if (line === `${name} Logout`) return { kind: "left", name };
    if (line.startsWith(`${name}:`))
      return { kind: "said", name, text: line.slice(name.length + 1) };
  }

  const gone = /^([^:]+) Logout$/.exec(line)?.[1];
  if (gone !== undefined) return { kind: "left", name: gone };
  const looksLikeIpv6 = /^(?:[0-9a-f]{0,4}:){2,}/i.test(line);
  const colon = line.indexOf(":");
  if (colon < 1 || looksLikeIpv6) return { kind: "unknown" };
  return { kind: "said", name: line.slice(0, colon), text: line.slice(colon + 1) };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
