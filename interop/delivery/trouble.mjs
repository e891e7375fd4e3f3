// What a network does to a client, by a seed.

import { PASS } from "../harness/proxy.mjs";
import { between, oneOf } from "../harness/random.mjs";

/** Judges exchanges until it `isCalm`; then all pass. */
export function createTrouble(random) {
  const trouble = {
    isCalm: false,
    judge: ({ kind }) => {
      // As much is asked of the seed whatever comes of it.
      const fate = kind === "http" ? exchange(random) : line(random);
      return trouble.isCalm ? PASS : fate;
    },
  };
  return trouble;
}

const EXCHANGES = {
  // It never came to the server.
  lost: () => ({ times: 0 }),
  // The server has done it, and nobody heard.
  unanswered: () => ({ bytes: 0 }),
  torn: (random) => ({ bytes: between(random, 1, 400) }),
  cut: (random) => ({ forMs: between(random, 1, 300) }),
  late: (random) => ({ delayMs: between(random, 1, 80) }),
  doubled: () => ({ times: 2 }),
};

function exchange(random) {
  const kind = random() < 0.55 ? undefined : oneOf(random, Object.keys(EXCHANGES));
  const isSwallowed = random() < 0.15;
  const more = kind === undefined ? {} : EXCHANGES[kind](random);
  return { ...PASS, ...more, isSwallowed };
}

function line(random) {
  const times = random() < 0.1 ? 0 : 1;
  const forMs = random() < 0.2 ? Infinity : between(random, 5, 400);
  const delayMs = random() < 0.5 ? 0 : between(random, 1, 30);
  return { ...PASS, times, forMs, delayMs, isSwallowed: random() < 0.25 };
}
