// What is said on the line of a shell: a counter that all share, and the last command with its result.

import { parseObject } from "../../json.ts";

/** What the server tells. */
export type ShellNews =
  | { readonly type: "users"; readonly count: number }
  | { readonly type: "state"; readonly value: number; readonly last: Ran | undefined }
  | { readonly type: "cmd"; readonly ran: Ran };

/** A command and its result. */
export interface Ran {
  readonly command: string;
  readonly result: string;
  /** When that was; undefined where it is just now. */
  readonly at: Date | undefined;
}

/** Reads a message; anything else is undefined. */
export function parseShellNews(text: string): ShellNews | undefined {
  const news = parseObject(text);
  if (news === undefined) return undefined;
  const { type, count, value, cmdStr, cmdRet, now } = news;
  const when = new Date(typeof now === "string" ? now : Number.NaN);
  const at = Number.isNaN(when.getTime()) ? undefined : when;
  const ran =
    typeof cmdStr === "string" && typeof cmdRet === "string"
      ? { command: cmdStr, result: cmdRet, at }
      : undefined;
  if (type === "users" && typeof count === "number") return { type: "users", count };
  if (type === "state" && typeof value === "number") {
    return { type: "state", value, last: ran?.command === "" ? undefined : ran };
  }
  if (type === "cmd" && ran !== undefined) return { type: "cmd", ran };
  return undefined;
}

/** Writes what is asked of the counter. */
export function formatStep(action: "minus" | "plus"): string {
  return JSON.stringify({ action });
}

/** Writes a command. */
export function formatCommand(command: string): string {
  return JSON.stringify({ action: "cmd", cmdStr: command });
}
