// One WebSocket and its state as signals; everything that passes is written down.

import { type ReadonlySignal, signal } from "@preact/signals";
import { isOnTheWire } from "./close_codes.ts";
import { closeRow, lostRow, messageRow, openRow } from "./frames.ts";
import { createJournal, type Journal } from "./journal.ts";

/** What a message carries. */
export type Payload = string | Uint8Array<ArrayBuffer>;

/**
 * Where the line stands.
 *
 * ```text
 * idle → connecting → open → closing → closed → connecting …
 *              └────────┴───────────────↗
 * ```
 */
export type LineState =
  | {
      readonly kind: "closed";
      readonly code: number;
      readonly reason: string;
      /** False when the handshake already failed. */
      readonly wasOpen: boolean;
    }
  | { readonly kind: "closing" }
  | { readonly kind: "connecting" }
  | { readonly kind: "idle" }
  | { readonly kind: "open" };

/** What the handshake agreed, in the browser's words. */
export interface Agreed {
  readonly extensions: string;
  readonly subprotocol: string;
}

/** What a line tells the demo that owns it. */
export interface Listener {
  closed?(): void;
  message(payload: Payload): void;
}

/** One line to the server. It never reconnects by itself: the person at the page decides. */
export interface Line {
  readonly url: string;
  readonly state: ReadonlySignal<LineState>;
  readonly agreed: ReadonlySignal<Agreed | undefined>;
  /** Bytes given to the browser that it has not yet given to the network. */
  readonly buffered: ReadonlySignal<number>;
  readonly journal: Journal;
  /** Opens the line, unless it is open or on its way. */
  connect(): void;
  /** Closes the line with 1000. */
  disconnect(): void;
  /** Sends a message; answers false, and sends nothing, unless the line is open. */
  send(payload: Payload): boolean;
}

/** Makes the socket. A test hands in its own. */
export type OpenSocket = (url: string) => WebSocket;

const BUFFER_POLL_MS = 100;

/** Makes a line that is not connected yet. */
export function createLine(
  url: string,
  listener: Listener,
  openSocket: OpenSocket = (to) => new WebSocket(to),
): Line {
  const state = signal<LineState>({ kind: "idle" });
  const agreed = signal<Agreed | undefined>(undefined);
  const buffered = signal(0);
  const journal = createJournal();
  let socket: WebSocket | undefined;
  let watch: ReturnType<typeof setInterval> | undefined;

  function connect() {
    if (state.value.kind !== "idle" && state.value.kind !== "closed") return;
    state.value = { kind: "connecting" };
    agreed.value = undefined;
    try {
      socket = openSocket(url);
    } catch {
      // An address or a page that the browser refuses to open a socket for.
      closed(1006, "");
      return;
    }
    socket.binaryType = "arraybuffer";
    socket.onopen = opened;
    socket.onmessage = (event: MessageEvent<unknown>) => received(event.data);
    socket.onclose = (event) => closed(event.code, event.reason);
  }

  function opened() {
    if (socket === undefined) return;
    agreed.value = { extensions: socket.extensions, subprotocol: socket.protocol };
    journal.add(openRow(new Date()));
    state.value = { kind: "open" };
  }

  function received(data: unknown) {
    const payload = data instanceof ArrayBuffer ? new Uint8Array(data) : String(data);
    journal.add(messageRow("received", payload, hasDeflate(agreed.value), new Date()));
    listener.message(payload);
  }

  function closed(code: number, reason: string) {
    const at = new Date();
    const wasOpen = agreed.value !== undefined;
    const wasFrame = isOnTheWire(code) || code === 1005;
    journal.add(wasFrame ? closeRow("received", code, reason, at) : lostRow(code, wasOpen, at));
    clearInterval(watch);
    watch = undefined;
    buffered.value = 0;
    socket = undefined;
    state.value = { kind: "closed", code, reason, wasOpen };
    listener.closed?.();
  }

  function disconnect() {
    if (socket === undefined) return;
    // Before the handshake is done there is nobody to send a close frame to.
    if (state.value.kind === "open") journal.add(closeRow("sent", 1000, "", new Date()));
    state.value = { kind: "closing" };
    socket.close(1000);
  }

  function send(payload: Payload): boolean {
    if (socket === undefined || state.value.kind !== "open") return false;
    socket.send(payload);
    journal.add(messageRow("sent", payload, hasDeflate(agreed.value), new Date()));
    measure();
    return true;
  }

  /** Reads how much is waiting, and goes on reading until nothing is: no event tells. */
  function measure() {
    buffered.value = socket?.bufferedAmount ?? 0;
    if (buffered.value > 0) {
      watch ??= setInterval(measure, BUFFER_POLL_MS);
    } else {
      clearInterval(watch);
      watch = undefined;
    }
  }

  return { url, state, agreed, buffered, journal, connect, disconnect, send };
}

function hasDeflate(agreed: Agreed | undefined): boolean {
  return agreed?.extensions.includes("permessage-deflate") ?? false;
}
