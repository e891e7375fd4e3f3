// The advice of errors, held against docs/codes.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isForGood, TielineError } from "../src/errors.ts";

const PAGE = readFileSync(new URL("../../../docs/codes.md", import.meta.url), "utf8");
const [, SECTION = ""] = PAGE.split("## Codes of the native line");

test("each code of the native line has the advice that its page gives", () => {
  const rows = [...(SECTION.split("\n## ")[0]?.matchAll(/^\| (4\d{3}) \|.*\| (.*) \|$/gm) ?? [])];
  assert.ok(rows.length >= 12);
  for (const [, code, what = ""] of rows) {
    const advice = what.startsWith("try again later")
      ? "retry"
      : what.startsWith("get one")
        ? "token"
        : "give-up";
    assert.equal(new TielineError(Number(code)).retry, advice, `${code}: ${what}`);
  }
});

test("a client comes back after the close codes that its page says", () => {
  const section = PAGE.split("## Close codes")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| (1\d{3}) \|.*\| (yes|no) \|$/gm)];
  assert.ok(rows.length >= 12);
  for (const [, code, comesBack] of rows) {
    assert.equal(isForGood(Number(code)), comesBack === "no", `after ${code}`);
  }
});
