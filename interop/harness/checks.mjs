// Runs checks one after the other, prints a line for each, and ends with how many passed.

const DEADLINE_MS = 60_000;
const POLL_MS = 20;

const coloured = !process.env.NO_COLOR && (process.stdout.isTTY || process.env.FORCE_COLOR);
const paint = (colour, text) => (coloured ? `\x1b[${colour}m${text}\x1b[0m` : text);

let passed = 0;
let failed = 0;

/** Runs one check; the sentence names the behaviour it shows, and the body throws where it is not so. */
export async function check(sentence, body) {
  try {
    await within(body(), sentence, DEADLINE_MS);
    passed += 1;
    console.log(`${paint(32, "ok")}     ${sentence}`);
  } catch (error) {
    failed += 1;
    console.log(`${paint(31, "FAILED")} ${sentence}: ${String(error?.message ?? error).replace(/\s+/g, " ")}`);
  }
}

/** Prints the last line of the suite and ends it; a suite that ran nothing fails. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

/** Waits for a promise, but not for ever. */
export async function within(promise, what, ms = 20_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a condition holds, and answers what it gave. */
export async function until(what, condition, ms = 20_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}
