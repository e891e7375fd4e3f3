// What is said of logs, checked at the border.

import { parseObject } from "../../json.ts";

/** What the server tells. */
export type TailNews =
  | { readonly type: "lines"; readonly source: string; readonly lines: readonly string[] }
  | { readonly type: "gap"; readonly source: string; readonly reason: string }
  | { readonly type: "sources"; readonly names: readonly string[] }
  | { readonly type: "refused"; readonly reason: string };

/** What a viewer wants to see: everything, lines with a text in them, or lines that match an expression. */
export type Filter =
  | { readonly kind: "none" }
  | { readonly kind: "contains"; readonly text: string }
  | { readonly kind: "regex"; readonly text: string };

/** Reads a message; anything else is undefined. */
export function parseTailNews(text: string): TailNews | undefined {
  const news = parseObject(text);
  if (news === undefined) return undefined;
  const { type, source, lines, reason, names } = news;
  if (type === undefined && typeof source === "string" && isTexts(lines)) {
    return { type: "lines", source, lines };
  }
  if (type === "gap" && typeof source === "string") {
    return {
      type: "gap",
      source,
      reason: typeof reason === "string" ? reason : "lines are missing",
    };
  }
  if (type === "refused" && typeof reason === "string") return { type: "refused", reason };
  if (type === "sources" && isTexts(names)) return { type: "sources", names };
  return undefined;
}

/** Writes what is to be seen from now on. */
export function formatFilter(filter: Filter): string {
  if (filter.kind === "none") return JSON.stringify({ type: "filter" });
  return JSON.stringify({ type: "filter", [filter.kind]: filter.text });
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
