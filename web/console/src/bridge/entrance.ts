// How the page is let in: the ticket from its address, exchanged once, and what stands behind it.

import { parseObject } from "../json.ts";

/** What a route behind the page is. */
export const KINDS = ["command", "shell", "tail", "terminal"] as const;

export type Kind = (typeof KINDS)[number];

/** What stands behind the page, as the server tells in `bridge.json`. */
export interface Bridge {
  readonly kind: Kind;
  /** The path of its line, from the root of the server. */
  readonly route: string;
  /** Whether a command's lines come in JSON with the name of their stream. */
  readonly tagged: boolean;
  /** How a command's messages are cut: `lines`, `bytes` or `length`. */
  readonly frame: string;
  /** Whether a command can be spoken to. */
  readonly takesInput: boolean;
  /** Whether a line of a log is one text message and nothing else. */
  readonly isText: boolean;
  /** Whether what was noted of a terminal's sessions can be asked for. */
  readonly hasAudit: boolean;
  /** Whether a terminal's sessions are recorded. */
  readonly hasRecordings: boolean;
  /** Whether the ticket of the server lets in, and nothing else. */
  readonly takesTicket: boolean;
}

/** How it went. */
export type Entered =
  | { readonly kind: "in"; readonly bridge: Bridge }
  /** No browser with this cookie may: the ticket is wanted. */
  | { readonly kind: "no ticket"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** Where a ticket is exchanged. */
const TICKET_PATH = "/_tieline/ticket";

/** The part of `window.location` that matters here. */
export interface Place {
  readonly hash: string;
  readonly pathname: string;
  readonly search: string;
}

/** Exchanges the ticket, where the address has one, and asks what stands behind the page; whether that lets in, where it asks for a ticket. */
export async function enter(
  place: Place,
  forgetTicket: (address: string) => void,
  ask: typeof fetch = (...to) => fetch(...to),
): Promise<Entered> {
  try {
    const ticket = place.hash.slice(1);
    let why = "Open the address that the server printed when it started.";
    if (ticket !== "") {
      const answer = await ask(TICKET_PATH, { method: "POST", body: ticket, cache: "no-store" });
      // The ticket is void: what is seen of the address, or kept in the history, opens nothing.
      forgetTicket(place.pathname + place.search);
      if (!answer.ok && answer.status !== 404) why = (await answer.text()).trim();
    }
    const answer = await ask("./bridge.json", { cache: "no-store" });
    const bridge = answer.ok ? parseBridge(await answer.text()) : undefined;
    if (bridge === undefined) {
      return { kind: "failed", why: "The server does not say what stands behind this page." };
    }
    return (await mayEnter(bridge, ask)) ? { kind: "in", bridge } : { kind: "no ticket", why };
  } catch {
    return { kind: "failed", why: "The server cannot be reached." };
  }
}

/** Whether the server lets this browser in, or asks nobody for a ticket. */
export async function mayEnter(
  bridge: Bridge,
  ask: typeof fetch = (...to) => fetch(...to),
): Promise<boolean> {
  if (!bridge.takesTicket) return true;
  const answer = await ask(TICKET_PATH, { cache: "no-store" });
  return answer.status !== 403;
}

/** Reads `bridge.json`; anything else is undefined. */
export function parseBridge(text: string): Bridge | undefined {
  const about = parseObject(text);
  if (about === undefined) return undefined;
  const { kind, route, frame } = about;
  const known = KINDS.find((name) => name === kind);
  if (known === undefined || typeof route !== "string" || !route.startsWith("/")) return undefined;
  const how = typeof frame === "string" ? frame : "lines";
  return {
    kind: known,
    route,
    tagged: about.tagged === true,
    frame: how,
    takesInput: about.input !== false,
    isText: about.format === "text",
    hasAudit: about.audit === true,
    hasRecordings: about.recordings === true,
    takesTicket: about.ticket === true,
  };
}

/** The address of what lies below a route. */
export function pathBelow(route: string, name: string): string {
  return `${route.replace(/\/$/, "")}/${name}`;
}

/** The address of a line, with these parameters; those that are undefined are left out. */
export function lineUrl(
  place: { readonly host: string; readonly protocol: string },
  route: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const scheme = place.protocol === "https:" ? "wss:" : "ws:";
  const url = new URL(`${scheme}//${place.host}${route}`);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}
