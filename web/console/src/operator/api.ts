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

/** A line that can be watched. */
export interface LineInfo {
  readonly line: number;
  readonly listener: string;
  readonly route: string;
  /** Address and port at its other end; null over a Unix socket. */
  readonly from: string | null;
  readonly user: string | null;
  readonly since_ms: number;
  readonly messages_in: number;
  readonly bytes_in: number;
  readonly messages_out: number;
  readonly bytes_out: number;
  readonly waiting_bytes: number;
}

/** Some lines in the order of their numbers, and where the next begin. */
export interface LinePage {
  readonly lines: readonly LineInfo[];
  readonly next: number | null;
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
  /** The lines after this number, in the order of their numbers. */
  lines(after?: number): Promise<LinePage>;
  /** What goes over a line from now on, one event a line. */
  frames(line: number, signal: AbortSignal): Promise<Response>;
  /** What is in a capture, one event a line. */
  inspect(capture: Blob, signal: AbortSignal): Promise<Response>;
  /** What is counted, as OpenMetrics has it. */
  metrics(): Promise<string>;
  /** Sends a device a message; answers what became of it: delivered, stored. */
  send(id: string, text: string): Promise<string>;
  /** Ends a device's line. It may come back. */
  disconnect(id: string): Promise<void>;
  /** Takes back a device's registration and empties its inbox. */
  forget(id: string): Promise<void>;
}

/** How many devices, channels or lines are asked for at a time. */
const PAGE = 50;

export function createApi(key: string, ask: typeof fetch = (...to) => fetch(...to)): Api {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = await read(method, `./api/v1${path}`, body);
    return text === "" ? undefined : parseJson(text);
  }

  /** The text of an answer, unless it is a refusal. */
  async function read(method: string, path: string, body?: unknown): Promise<string> {
    const json = body === undefined ? {} : { body: JSON.stringify(body), kind: "application/json" };
    return (await send(method, path, json)).text();
  }

  /** The answer, unless it is a refusal. */
  async function send(
    method: string,
    path: string,
    more: { body?: BodyInit; kind?: string; signal?: AbortSignal },
  ): Promise<Response> {
    const { kind, ...rest } = more;
    const headers: Record<string, string> = { authorization: `Bearer ${key}` };
    if (kind !== undefined) headers["content-type"] = kind;
    const response = await ask(path, { method, headers, cache: "no-store", ...rest }).catch(() => {
      throw new Refused(0, "The operator's side does not answer.");
    });
    if (response.ok) return response;
    const said = reason(parseJson(await response.text()));
    throw new Refused(response.status, said ?? response.statusText);
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
    async lines(after) {
      return (await call("GET", `/lines?${page(after)}`)) as LinePage;
    },
    frames: (line, signal) => send("GET", `./api/v1/lines/${line}/frames`, { signal }),
    inspect: (body, signal) =>
      send("POST", "./api/v1/inspect", { body, kind: "application/vnd.tcpdump.pcap", signal }),
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
function page(after: number | string | undefined): URLSearchParams {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (after !== undefined) query.set("after", String(after));
  return query;
}

/** What a problem says (RFC 9457). */
function reason(said: unknown): string | undefined {
  if (!isObject(said)) return undefined;
  const { detail, title } = said;
  return typeof detail === "string" ? detail : typeof title === "string" ? title : undefined;
}
