// Escape sequences: colours are shown, everything else is a sign.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SPANS, plainOf, spansOf } from "../src/bridge/escapes.ts";

test("colours and weights are looks", () => {
  assert.deepEqual(spansOf("a\u001b[1;31mb\u001b[0mc"), [
    { text: "a", looks: {}, isSign: false },
    { text: "b", looks: { bold: true, colour: 1 }, isSign: false },
    { text: "c", looks: {}, isSign: false },
  ]);
  for (const [sequence, looks] of [
    ["97", { colour: 15 }],
    ["104", { ground: 12 }],
    ["38;5;9", { colour: 9 }],
    ["38;5;196", { colour: "rgb(255 0 0)" }],
    ["48;5;255", { ground: "rgb(238 238 238)" }],
    ["38;2;1;2;3", { colour: "rgb(1 2 3)" }],
    ["38;2;999;2;3", { colour: "rgb(255 2 3)" }],
    ["38;5;256", {}],
    ["1;22;3;4;7", { italic: true, underline: true, inverse: true }],
    ["31;39", {}],
    ["5;999", {}],
    ["", {}],
  ] as const) {
    assert.deepEqual(spansOf(`\u001b[${sequence}mx`)[0]?.looks, looks, sequence);
  }
});

test("what would move, hide, rename, or write elsewhere is shown and does nothing", () => {
  for (const [line, shown] of [
    ["\u001b]0;title\u0007", "^[]0;title^G"],
    ["\u001b]52;c;ZXZpbA==\u001b\\", "^[]52;c;ZXZpbA==^[\\"],
    ["\u001b]8;;http://evil.test\u0007link", "^[]8;;http://evil.test^Glink"],
    ["\u001b[2J\u001b[H", "^[[2J^[[H"],
    ["\u001b[8m", ""],
    ["safe\rEVIL", "safe^MEVIL"],
    ["a\b\b", "a^H^H"],
    ["\u009b2J\u009dx", "\\u009b2J\\u009dx"],
    ["a\u007f\u0000", "a^?^@"],
    ["\u202etxt.exe", "\\u202etxt.exe"],
    ["a\u200bb\ufeff", "a\\u200bb\\ufeff"],
    ["tab\there", "tab\there"],
    ["<img src=x>", "<img src=x>"],
    ["\u001b[31", "^[[31"],
    ["\u001b[3\u001b[1mx", "^[[3x"],
  ] as const) {
    assert.equal(plainOf(line), shown, JSON.stringify(line));
  }
});

test("a line of nothing but sequences is not without bound", () => {
  const spans = spansOf("\u0001\u001b[31mx".repeat(10_000));
  assert(spans.length <= MAX_SPANS + 2, String(spans.length));
  assert.equal(plainOf("\u0001".repeat(10_000)), "^A".repeat(10_000));
});
