// What the operator's side is asked, and what it answers.

import { isObject, parseJson } from "../json.ts";

/** A device, as the operator's side tells of it. */
export interface Device {
  readonly id: string;
  readonly route: string;
  readonly online: boolean;
  readonly registered: boolean;
  readonly user: string | null;
  /** Since when it has been on line, in milliseconds since 1970. */
  readonly since_ms: number | null;
  readonly waiting: { readonly messages: number; readonly bytes: number };
}

/** Some devices in the order of their ids, and where the next begin. */
export interface Page {
  readonly devices: readonly Device[];
  readonly next: string | null;
}

/** A channel that somebody hears. */
export interface ChannelInfo {
  readonly channel: string;
  /** Lines that have subscribed to it. */
  readonly subscribers: number;
}

/** Some channels in the order of their names, and where the next begin. */
export interface ChannelPage {
  readonly channels: readonly ChannelInfo[];
  readonly next: string | null;
}

/** Somebody who is in a channel. */
export interface Member {
  readonly client: string;
  readonly user: string | null;
  /** What it calls itself, which proves nothing. */
  readonly name: string | null;
}

/** The operator's side refused, or is not there; the message says why. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks the operator's side, with a key. */
export interface Api {
  /** The devices after this id, in the order of their ids. */
  devices(after?: string): Promise<Page>;
  /** The channels after this name, in the order of their names. */
  channels(after?: string): Promise<ChannelPage>;
  /** Who is in a channel; null where nobody says so. */
  members(channel: string): Promise<readonly Member[] | null>;
  /** What is counted, as OpenMetrics has it. */
  metrics(): Promise<string>;
  /** Sends a device a message; answers what became of it: delivered, stored. */
  send(id: string, text: string): Promise<string>;
  /** Ends a device's line. It may come back. */
  disconnect(id: string): Promise<void>;
  /** Takes back a device's registration and empties its inbox. */
  forget(id: string): Promise<void>;
}

/** How many devices, or channels, are asked for at a time. */
const PAGE = 50;

export function createApi(key: string, ask: typeof fetch = (...to) => fetch(...to)): Api {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = await read(method, `./api/v1${path}`, body);
    return text === "" ? undefined : parseJson(text);
  }

  /** The text of an answer, unless it is a refusal. */
  async function read(method: string, path: string, body?: unknown): Promise<string> {
    const headers: Record<string, string> = { authorization: `Bearer ${key}` };
    const init: RequestInit = { method, headers, cache: "no-store" };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const response = await ask(path, init).catch(() => {
      throw new Refused(0, "The operator's side does not answer.");
    });
    const text = await response.text();
    if (response.ok) return text;
    throw new Refused(response.status, reason(parseJson(text)) ?? response.statusText);
  }

  const device = (id: string) => `/devices/${encodeURIComponent(id)}`;

  return {
    async devices(after) {
      return (await call("GET", `/devices?${page(after)}`)) as Page;
    },
    async channels(after) {
      return (await call("GET", `/channels?${page(after)}`)) as ChannelPage;
    },
    async members(channel) {
      try {
        const said = await call("GET", `/channels/${encodeURIComponent(channel)}/presence`);
        return (said as { members: readonly Member[] }).members;
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return null;
        throw error;
      }
    },
    metrics: () => read("GET", "./metrics"),
    async send(id, text) {
      const said = (await call("POST", `${device(id)}/messages`, { text })) as { outcome: string };
      return said.outcome;
    },
    async disconnect(id) {
      await call("POST", `${device(id)}/disconnect`);
    },
    async forget(id) {
      await call("DELETE", device(id));
    },
  };
}

/** The query for a page of a list. */
function page(after: string | undefined): URLSearchParams {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (after !== undefined) query.set("after", after);
  return query;
}

/** What a problem says (RFC 9457). */
function reason(said: unknown): string | undefined {
  if (!isObject(said)) return undefined;
  const { detail, title } = said;
  return typeof detail === "string" ? detail : typeof title === "string" ? title : undefined;
}
