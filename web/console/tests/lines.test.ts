// The newest lines of a log, and which of them are in sight.

import assert from "node:assert/strict";
import { test } from "node:test";
import { levelOf } from "../src/bridge/level.ts";
import { createLines, type LogLine, MAX_CHARACTERS, MAX_LINES } from "../src/bridge/lines.ts";
import { sightOf } from "../src/bridge/window.ts";

function scripted() {
  const timers: (() => void)[] = [];
  const lines = createLines((callback) => timers.push(callback));
  const refresh = () => {
    for (const callback of timers.splice(0)) callback();
  };
  return { lines, timers, refresh };
}

function line(text: string): LogLine {
  return { kind: "line", source: 0, text };
}

test("many lines are one refresh", () => {
  const { lines, timers, refresh } = scripted();
  for (let number = 0; number < 100; number += 1) lines.add([line(String(number))]);
  assert.deepEqual([timers.length, lines.shown.value], [1, { first: 0, end: 0 }]);
  refresh();
  assert.deepEqual(lines.shown.value, { first: 0, end: 100 });
  assert.equal(lines.at(99)?.text, "99");
  assert.equal(lines.at(100), undefined);
});

test("the oldest go when there are too many, or too long ones", () => {
  const { lines, refresh } = scripted();
  const some = Array.from({ length: MAX_LINES }, (_, number) => line(String(number)));
  lines.add(some);
  lines.add([line("one more")]);
  refresh();
  assert.deepEqual(lines.shown.value, { first: 1, end: MAX_LINES + 1 });
  assert.deepEqual(
    [lines.at(0), lines.at(1)?.text, lines.at(MAX_LINES)?.text],
    [undefined, "1", "one more"],
  );
  const long = "x".repeat(MAX_CHARACTERS / 4);
  for (let number = 0; number < 6; number += 1) lines.add([line(long)]);
  refresh();
  const { first, end } = lines.shown.value;
  assert.equal(end - first, 4);
});

test("a pause stands still, counts what comes, and lets go of what is not kept", () => {
  const { lines, refresh } = scripted();
  lines.add([line("a"), line("b")]);
  refresh();
  lines.pause();
  lines.add([line("c")]);
  refresh();
  assert.deepEqual([lines.shown.value, lines.waiting.value], [{ first: 0, end: 2 }, 1]);
  lines.add(Array.from({ length: MAX_LINES }, () => line("x")));
  refresh();
  assert.deepEqual(lines.shown.value, { first: 3, end: 3 });
  lines.resume();
  assert.deepEqual([lines.shown.value.end, lines.waiting.value], [MAX_LINES + 3, 0]);
  lines.clear();
  assert.deepEqual(lines.shown.value, { first: MAX_LINES + 3, end: MAX_LINES + 3 });
});

test("only the rows in sight are made, and a few beyond", () => {
  assert.deepEqual(sightOf(0, 20, 0, 400), { from: 0, to: 0 });
  assert.deepEqual(sightOf(5, 20, 0, 400), { from: 0, to: 5 });
  assert.deepEqual(sightOf(100_000, 20, 20_000, 400), { from: 992, to: 1028 });
  assert.deepEqual(sightOf(100, 20, 1600, 400), { from: 72, to: 100 });
  // Scrolled beyond the end, as while a list becomes shorter.
  assert.deepEqual(sightOf(10, 20, 9000, 400), { from: 10, to: 10 });
  assert.deepEqual(sightOf(10, 20, -50, 400), { from: 0, to: 10 });
});

test("the first word that says how grave a line is decides", () => {
  for (const [text, level] of [
    ["2026-01-02 ERROR disk is full, see info", "error"],
    ["kernel: panic - not syncing", "error"],
    ["[warn] slow", "warning"],
    ['{"level":"info","msg":"x"}', "info"],
    ["DEBUG x", "debug"],
    ["no terrors, warnings2 or information", undefined],
    [`${"x".repeat(200)} error`, undefined],
  ] as const) {
    assert.equal(levelOf(text), level, text);
  }
});
