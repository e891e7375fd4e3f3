// A line that comes back by itself when it was lost, and stays closed when it was ended.

import { type ReadonlySignal, signal } from "@preact/signals";
import type { OpenSocket, Payload } from "../line.ts";

/**
 * Where the line stands.
 *
 * ```text
 * idle → connecting → open → waiting → connecting …
 *             └─────────┴───────┴───→ ended
 * ```
 */
export type LastingState =
  | { readonly kind: "connecting" }
  | {
      readonly kind: "ended";
      readonly code: number;
      readonly reason: string;
      /** False when not even the first handshake went well. */
      readonly wasOpen: boolean;
    }
  | { readonly kind: "idle" }
  | { readonly kind: "open" }
  | {
      readonly kind: "waiting";
      readonly ms: number;
      readonly code: number;
      readonly reason: string;
    };

/** What a line tells its owner. */
export interface LastingListener {
  /** It is open: for the first time, or once more. */
  opened?(): void;
  message(payload: Payload): void;
}

/** A line that lasts. */
export interface LastingLine {
  readonly state: ReadonlySignal<LastingState>;
  /** Opens it, unless it is open or on its way; one that waits does so at once. */
  connect(): void;
  /** Ends it, until it is opened again. */
  stop(): void;
  /** Closes it and opens it again. */
  renew(): void;
  /** Sends a message; answers false, and sends nothing, unless the line is open. */
  send(payload: Payload): boolean;
}

/** What a test hands in instead of the browser's own. */
export interface Means {
  readonly openSocket: OpenSocket;
  /** Calls back later; answers what takes that back. */
  readonly later: (callback: () => void, ms: number) => () => void;
  readonly random: () => number;
}

const BROWSER: Means = {
  openSocket: (url) => new WebSocket(url),
  later(callback, ms) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

const FIRST_MS = 500;
const LONGEST_MS = 10_000;

/** Makes a line that is not connected yet; its address is asked for each time it is opened. */
export function createLastingLine(
  url: () => string,
  listener: LastingListener,
  means: Means = BROWSER,
): LastingLine {
  const state = signal<LastingState>({ kind: "idle" });
  let socket: WebSocket | undefined;
  let cancel = () => {};
  /** Since it last said something, or was open for a while. */
  let losses = 0;
  let wasOpen = false;

  function connect() {
    cancel();
    if (socket !== undefined) return;
    state.value = { kind: "connecting" };
    let opening: WebSocket;
    try {
      opening = means.openSocket(url());
    } catch {
      state.value = { kind: "ended", code: 1006, reason: "", wasOpen };
      return;
    }
    socket = opening;
    opening.binaryType = "arraybuffer";
    // What an abandoned socket still has to say is for nobody.
    const ifCurrent = (act: () => void) => {
      if (socket === opening) act();
    };
    opening.onopen = () => ifCurrent(opened);
    opening.onmessage = (event: MessageEvent<unknown>) =>
      ifCurrent(() => {
        losses = 0;
        const { data } = event;
        listener.message(data instanceof ArrayBuffer ? new Uint8Array(data) : String(data));
      });
    opening.onclose = (event) => ifCurrent(() => closed(event.code, event.reason));
  }

  function opened() {
    // One that is taken and closed at once would else be asked for several times a second.
    cancel = means.later(() => {
      losses = 0;
    }, LONGEST_MS);
    wasOpen = true;
    state.value = { kind: "open" };
    listener.opened?.();
  }

  function closed(code: number, reason: string) {
    cancel();
    socket = undefined;
    // Before the first handshake went well, nothing says that a second would.
    if (!wasOpen || !isWorthAnother(code)) {
      state.value = { kind: "ended", code, reason, wasOpen };
      wasOpen = false;
      return;
    }
    const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** losses) * (0.5 + means.random() / 2);
    losses += 1;
    state.value = { kind: "waiting", ms, code, reason };
    cancel = means.later(connect, ms);
  }

  function abandon() {
    cancel();
    const abandoned = socket;
    socket = undefined;
    abandoned?.close(1000);
  }

  return {
    state,
    connect,
    stop() {
      abandon();
      wasOpen = false;
      state.value = { kind: "ended", code: 1000, reason: "", wasOpen: true };
    },
    renew() {
      abandon();
      connect();
    },
    send(payload) {
      if (socket === undefined || state.value.kind !== "open") return false;
      socket.send(payload);
      return true;
    },
  };
}

/** Whether a line that closed so may be open again soon: docs/codes.md has the whole table. */
function isWorthAnother(code: number): boolean {
  return [1001, 1005, 1006, 1012, 1013, 1014].includes(code);
}
