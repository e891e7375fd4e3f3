// The advice of errors, held against docs/codes.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { TielineError } from "../src/errors.ts";

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
