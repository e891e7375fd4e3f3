// What is said of a terminal in text, checked at the border; its bytes are binary messages.

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
  | { readonly type: "viewers"; readonly names: readonly string[] }
  | { readonly type: "ended"; readonly how: string };

/** Reads a text message; anything else is undefined. */
export function parseNews(text: string): News | undefined {
  const news = parseJson(text);
  if (!isObject(news)) return undefined;
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
    case "viewers":
      return { type: "viewers", names: texts(news.names) };
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
  readonly since: string;
  readonly size: string;
  readonly viewers: readonly string[];
  readonly recorded: boolean;
}

/** Reads the list of sessions; what is none is left out. */
export function parseSessions(text: string): Listed[] {
  return list(text, "sessions").flatMap((item) => {
    if (typeof item.id !== "string") return [];
    const { id, command, since, columns, rows } = item;
    const viewers = Array.isArray(item.viewers) ? texts(item.viewers) : [];
    return [
      {
        id,
        command: typeof command === "string" ? command : "",
        since: timeOf(since),
        size: isSize(columns) && isSize(rows) ? `${columns} × ${rows}` : "",
        viewers,
        recorded: item.recorded === true,
      },
    ];
  });
}

/** Reads the list of recordings: their names, the newest first. */
export function parseRecordings(text: string): string[] {
  const names = list(text, "recordings").flatMap((item) =>
    typeof item.name === "string" ? [item.name] : [],
  );
  return names.sort().reverse();
}

function list(text: string, name: string): Readonly<Record<string, unknown>>[] {
  const value = parseJson(text);
  const items = isObject(value) ? value[name] : value;
  if (!Array.isArray(items)) return [];
  return items.map((item) => (typeof item === "string" ? { name: item } : item)).filter(isObject);
}

function howOf(news: Readonly<Record<string, unknown>>): string {
  if (typeof news.signal === "string") return `ended by SIG${news.signal}`;
  if (typeof news.code === "number") return `ended with ${news.code}`;
  return "ended";
}

/** A time in milliseconds since 1970, in seconds, or as text. */
function timeOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "number") return "";
  return new Date(value > 1e11 ? value : value * 1000).toISOString();
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 1000;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
