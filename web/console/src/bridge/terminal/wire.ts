// What is said of a terminal in text, checked at the border; its bytes are binary messages.

import { isObject, parseJson, parseObject } from "../../json.ts";

/** A session, as the server tells of it to who comes. */
export interface Session {
  readonly id: string;
  readonly command: string;
  readonly columns: number;
  readonly rows: number;
  readonly mayType: boolean;
  readonly recorded: boolean;
}

/** What the server tells. */
export type News =
  | { readonly type: "session"; readonly session: Session }
  | { readonly type: "size"; readonly columns: number; readonly rows: number }
  | { readonly type: "viewers"; readonly names: readonly string[]; readonly count: number }
  | { readonly type: "ended"; readonly how: string };

/** Reads a text message; anything else is undefined. */
export function parseNews(text: string): News | undefined {
  const news = parseObject(text);
  if (news === undefined) return undefined;
  switch (news.type) {
    case "session": {
      const { id, command, columns, rows, may_type: mayType, recorded } = news;
      if (typeof id !== "string" || typeof command !== "string") return undefined;
      if (!isSize(columns) || !isSize(rows)) return undefined;
      const may = { mayType: mayType === true, recorded: recorded === true };
      return { type: "session", session: { id, command, columns, rows, ...may } };
    }
    case "size":
      if (!isSize(news.columns) || !isSize(news.rows)) return undefined;
      return { type: "size", columns: news.columns, rows: news.rows };
    case "viewers": {
      const names = texts(news.names);
      const count = typeof news.count === "number" ? news.count : names.length;
      return { type: "viewers", names, count };
    }
    case "ended":
      return { type: "ended", how: howOf(news) };
    default:
      return undefined;
  }
}

/** Writes that the page is so large now. */
export function formatSize(columns: number, rows: number): string {
  return JSON.stringify({ type: "size", columns, rows });
}

/** Writes that the program is to end. */
export function formatEnd(): string {
  return JSON.stringify({ type: "end" });
}

/** A session of the list. */
export interface Listed {
  readonly id: string;
  readonly command: string;
  /** When it began. */
  readonly since: Date;
  readonly size: string;
  /** Some of those who watch. */
  readonly viewers: readonly string[];
  /** How many watch. */
  readonly watching: number;
  readonly recorded: boolean;
}

/** Reads the list of sessions; what is none is left out. */
export function parseSessions(text: string): Listed[] {
  return list(text).flatMap((item) => {
    const { id, command, since, columns, rows, watching, recorded } = item;
    if (typeof id !== "string" || typeof command !== "string") return [];
    const viewers = texts(item.viewers);
    return [
      {
        id,
        command,
        since: timeOf(since),
        size: isSize(columns) && isSize(rows) ? `${columns} × ${rows}` : "",
        viewers,
        watching: typeof watching === "number" ? watching : viewers.length,
        recorded: recorded === true,
      },
    ];
  });
}

/** A recording of the list. */
export interface Recording {
  readonly name: string;
  readonly bytes: number;
  /** When it began. */
  readonly since: Date;
}

/** Reads the list of recordings, the newest first. */
export function parseRecordings(text: string): Recording[] {
  return list(text).flatMap(({ name, bytes }) => {
    if (typeof name !== "string" || typeof bytes !== "number") return [];
    // 20261122T024500Z-1f2e3d4c.cast
    const [, day = "", time = ""] = /^(\d{8})T(\d{6})Z/.exec(name) ?? [];
    const since = timeOf(
      `${day.replace(/(....)(..)(..)/, "$1-$2-$3")}T${time.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`,
    );
    return [{ name, bytes, since }];
  });
}

/** What was noted of a session. */
export interface Note {
  readonly at: Date;
  /** What happened: `opened`, `typed`, and so on. */
  readonly what: string;
  /** The beginning of the session's id. */
  readonly session: string;
  /** Who did it; empty where nobody did. */
  readonly name: string;
  readonly command: string;
  /** What was typed, or how and why the session ended. */
  readonly more: string;
}

/** Reads what was noted, the newest first. */
export function parseNotes(text: string): Note[] {
  return list(text).flatMap((item) => {
    const { at, audit, session, name, command, input, how, why } = item;
    if (typeof audit !== "string" || typeof session !== "string") return [];
    const ended = texts([how, why]).join(", ");
    return [
      {
        at: timeOf(at),
        what: audit,
        session,
        name: typeof name === "string" ? name : "",
        command: typeof command === "string" ? command : "",
        more: typeof input === "string" ? input : ended,
      },
    ];
  });
}

function list(text: string): Readonly<Record<string, unknown>>[] {
  const value = parseJson(text);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function howOf(news: Readonly<Record<string, unknown>>): string {
  if (typeof news.signal === "string") return `ended by SIG${news.signal}`;
  if (typeof news.code === "number") return `ended with ${news.code}`;
  return "ended";
}

/** A time as the server writes it; one that is none is no valid date. */
function timeOf(value: unknown): Date {
  return new Date(typeof value === "string" ? value : Number.NaN);
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Whether it may be the columns, or the rows, of a terminal. */
export function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 1000;
}
