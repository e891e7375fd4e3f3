// What is asked for often is done now and then, and the last time counts.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createSoon } from "../src/soon.ts";

test("the first of a burst is done at once, the rest together, and then none", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let runs = 0;
  const soon = createSoon(50, () => {
    runs += 1;
  });
  for (let count = 0; count < 10; count += 1) soon();
  assert.equal(runs, 1);
  mock.timers.tick(50);
  assert.equal(runs, 2);
  mock.timers.tick(500);
  assert.equal(runs, 2);
  soon();
  assert.equal(runs, 3);
  mock.timers.reset();
});
