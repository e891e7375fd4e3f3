// How grave a line of a log is, by the first word in it that says so.

/** From grave to chatty; `undefined` is a line that does not say. */
export type Level = "error" | "warning" | "info" | "debug";

/** Where such a word stands, if anywhere; behind it comes what the program has to say. */
const SEARCHED = 200;

const WORD =
  /\b(?:(emerg(?:ency)?|alert|crit(?:ical)?|fatal|panic|err(?:or)?|severe)|(warn(?:ing)?)|(notice|info)|(debug|trace|verbose))\b/i;

/** The level of a line. */
export function levelOf(line: string): Level | undefined {
  const found = WORD.exec(line.slice(0, SEARCHED));
  if (found === null) return undefined;
  if (found[1] !== undefined) return "error";
  if (found[2] !== undefined) return "warning";
  return found[3] !== undefined ? "info" : "debug";
}
