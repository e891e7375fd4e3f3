// What was heard on a channel: the order, what is missing, and what takes its place.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  EMPTY,
  fill,
  gapOf,
  type Heard,
  MAX_ENTRIES,
  oldestShown,
  prepend,
} from "../src/channels/heard.ts";

const AT = new Date(0);

function publication(offset: number) {
  return { channel: "demo:lobby", offset, data: `${offset}` };
}

function live(heard: Heard, ...offsets: number[]): Heard {
  const told = offsets.map((offset) => ({
    kind: "publication" as const,
    publication: publication(offset),
    arrival: "live" as const,
    at: AT,
  }));
  return append(heard, ...told);
}

function gap(since: number, to: number) {
  const epoch = "e";
  const position = { epoch, offset: to };
  return gapOf({ since: { epoch, offset: since }, position, reason: "too_many" }, AT);
}

/** What is shown, in short: offsets, and what is missing in brackets. */
function read({ entries }: Heard): string {
  const words = entries.map((entry) => {
    if (entry.kind === "publication") return `${entry.publication.offset}`;
    if (entry.kind === "news") return entry.text;
    const { isThere, missing } = entry;
    return `[${missing?.first ?? "?"}-${missing?.last ?? "?"}${isThere ? "…" : ""}]`;
  });
  return words.join(" ");
}

test("a page of history stands in front, the oldest first, and every entry has a number of its own", () => {
  const heard = prepend(live(EMPTY, 4, 5), [publication(3), publication(2)], AT);
  assert.equal(read(heard), "2 3 4 5");
  assert.equal(new Set(heard.entries.map(({ id }) => id)).size, 4);
  assert.equal(oldestShown(heard), 2);
});

test("the newest entries are kept", () => {
  const offsets = Array.from({ length: MAX_ENTRIES + 3 }, (_, index) => index + 1);
  assert.equal(oldestShown(live(EMPTY, ...offsets)), 4);
});

test("a gap says what is missing where both ends are known, and else that something is", () => {
  assert.equal(read(append(EMPTY, gap(3, 9))), "[4-9…]");
  const since = { epoch: "a", offset: 3 };
  const another = gapOf({ since, position: { epoch: "b", offset: 9 }, reason: "epoch" }, AT);
  assert.equal(read(append(EMPTY, another)), "[?-?]");
});

test("what is had of a gap takes its place, and what is not is still told", () => {
  const heard = live(append(live(EMPTY, 3), gap(3, 9)), 10);
  const id = heard.entries[1]?.id ?? 0;
  const some = fill(heard, id, [publication(6), publication(7)], AT);
  assert.equal(read(some), "3 [4-5] 6 7 [8-9…] 10");
  const rest = some.entries.find((entry) => entry.kind === "gap" && entry.isThere)?.id ?? 0;
  assert.equal(read(fill(some, rest, [publication(8), publication(9)], AT)), "3 [4-5] 6 7 8 9 10");
  assert.equal(read(fill(heard, id, [publication(10)], AT)), "3 [4-9] 10");
});
