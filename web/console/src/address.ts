// Where the server is: the host the page came from, or the one it was told.

/** The server to speak to, and why that one. */
export interface Server {
  /** `ws://host:port` or `wss://host:port`, without a path. */
  readonly base: string;
  readonly chosen: "by default" | "by the address bar" | "by the page's host";
}

/** The part of `window.location` that matters here. */
export interface Place {
  readonly host: string;
  readonly protocol: string;
  readonly search: string;
}

const DEFAULT_BASE = "ws://127.0.0.1:8080";

/** Finds the server: `?server=` first, then the page's own host, then the default for a page from disk. */
export function findServer(place: Place): Server {
  const asked = new URLSearchParams(place.search).get("server");
  const base = asked === null ? undefined : parseBase(asked);
  if (base !== undefined) return { base, chosen: "by the address bar" };
  if (place.protocol === "https:") {
    return { base: `wss://${place.host}`, chosen: "by the page's host" };
  }
  if (place.protocol === "http:") {
    return { base: `ws://${place.host}`, chosen: "by the page's host" };
  }
  return { base: DEFAULT_BASE, chosen: "by default" };
}

/** Reads `ws://host:port`; `http` and a missing scheme are forgiven, a path is dropped. */
function parseBase(text: string): string | undefined {
  const trimmed = text.trim();
  const url = safeUrl(trimmed.includes("://") ? trimmed : `ws://${trimmed}`);
  if (url === undefined || url.host === "") return undefined;
  if (url.protocol === "ws:" || url.protocol === "http:") return `ws://${url.host}`;
  if (url.protocol === "wss:" || url.protocol === "https:") return `wss://${url.host}`;
  return undefined;
}

function safeUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
