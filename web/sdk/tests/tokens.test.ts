// When a token is asked for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTokens } from "../src/tokens.ts";

/** A source that gives `1`, `2` and so on, and remembers what it was asked. */
function source() {
  const asked: boolean[] = [];
  const give = (isAnew: boolean) => {
    asked.push(isAnew);
    return `${asked.length}`;
  };
  return { asked, give };
}

test("text stays as it is, and nothing better comes of it", async () => {
  const tokens = createTokens("t");
  assert.equal(tokens.refused(), false);
  tokens.inDoubt();
  assert.deepEqual([await tokens.current(), await tokens.renew()], ["t", "t"]);
  assert.equal(await createTokens(undefined).current(), undefined);
});

test("a function is asked once, and again when its token was refused, but not for ever", async () => {
  const { asked, give } = source();
  const tokens = createTokens(give);
  assert.deepEqual([await tokens.current(), await tokens.current()], ["1", "1"]);
  assert.equal(tokens.refused(), true);
  assert.equal(await tokens.current(), "2");
  assert.equal(tokens.refused(), false);
  assert.deepEqual(asked, [false, true]);
});

test("one that was taken may be refused again later", async () => {
  const { asked, give } = source();
  const tokens = createTokens(give);
  for (let turn = 0; turn < 3; turn += 1) {
    await tokens.current();
    tokens.accepted();
    assert.equal(tokens.refused(), true);
  }
  assert.equal(await tokens.current(), "4");
  assert.deepEqual(asked, [false, true, true, true]);
});

test("one in doubt, or that is to be renewed, is asked for again and was not refused", async () => {
  const { asked, give } = source();
  const tokens = createTokens(give);
  await tokens.current();
  tokens.inDoubt();
  assert.equal(await tokens.current(), "2");
  assert.equal(await tokens.renew(), "3");
  assert.equal(await tokens.current(), "3");
  assert.equal(tokens.refused(), true);
  assert.deepEqual(asked, [false, false, true]);
});
