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
  /** Sends a device a message; answers what became of it: delivered, stored. */
  send(id: string, text: string): Promise<string>;
  /** Ends a device's line. It may come back. */
  disconnect(id: string): Promise<void>;
  /** Takes back a device's registration and empties its inbox. */
  forget(id: string): Promise<void>;
}

/** How many devices are asked for at a time. */
const PAGE = 50;

export function createApi(key: string, ask: typeof fetch = (...to) => fetch(...to)): Api {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers: Record<string, string> = { authorization: `Bearer ${key}` };
    const init: RequestInit = { method, headers, cache: "no-store" };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const response = await ask(`./api/v1${path}`, init).catch(() => {
      throw new Refused(0, "The operator's side does not answer.");
    });
    const text = await response.text();
    const said = text === "" ? undefined : parseJson(text);
    if (!response.ok) throw new Refused(response.status, reason(said) ?? response.statusText);
    return said;
  }

  const device = (id: string) => `/devices/${encodeURIComponent(id)}`;

  return {
    async devices(after) {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (after !== undefined) query.set("after", after);
      return (await call("GET", `/devices?${query}`)) as Page;
    },
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

/** What a problem says (RFC 9457). */
function reason(said: unknown): string | undefined {
  if (!isObject(said)) return undefined;
  const { detail, title } = said;
  return typeof detail === "string" ? detail : typeof title === "string" ? title : undefined;
}
