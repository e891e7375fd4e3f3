// The client: a session on a WebSocket that is opened again and again.

import { createBackoff } from "../backoff.ts";
import type { Call, Response } from "./call.ts";
import { deviceId } from "./device_id.ts";
import { encodeCall } from "./envelope.ts";
import { CallError, createSession, type Heard, type Kind, type Outgoing } from "./session.ts";
import { type Credentials, sign } from "./signature.ts";

/** What happened. */
export type Event =
  | Heard
  | {
      readonly kind: "disconnected";
      readonly code: number;
      readonly reason: string;
      /** When the next attempt is made. */
      readonly retryInMs: number;
    };

/** What a client needs of a WebSocket: the browser's interface. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** How a client speaks. */
export interface Options {
  /** Hears what happens; a message is acknowledged when the promise it answers is done. */
  readonly onEvent?: (event: Event) => void | Promise<void>;
  /** Who this device is. Default a new one. */
  readonly deviceId?: string;
  /** The host that calls name. Default the URL's. */
  readonly host?: string;
  /** Signs every call. Default none. */
  readonly credentials?: Credentials;
  /** How long a call may take. Default 10,000. */
  readonly callWithinMs?: number;
  /** How long the gateway may take to bind the device. Default 10,000. */
  readonly bindWithinMs?: number;
  /** How long a line may take to open. Default 10,000. */
  readonly openWithinMs?: number;
  /** Most calls that have no answer yet. Default 64. */
  readonly maxCalls?: number;
  /** Most events that wait for `onEvent`; a device that is slower leaves its line. Default 1,000. */
  readonly maxEvents?: number;
  /** Longest wait before the first attempt to come back; it doubles. Default 500. */
  readonly baseMs?: number;
  /** Where the doubling ends. Default 30,000. */
  readonly maxMs?: number;
  /** How long a line must have been open for the doubling to start anew. Default 10,000. */
  readonly stableAfterMs?: number;
  /** Makes a socket. Default `new WebSocket(url)`; Node 20 has none of its own, `ws` does. */
  readonly socket?: (url: string) => Socket;
}

/** A device at the gateway. */
export interface Client {
  readonly deviceId: string;
  /** Makes a call, once the device is bound; throws a `CallError` where there is no answer. */
  call(call: Call): Promise<Response>;
  /** Registers the device, and again on every line that follows, until it is unregistered. */
  register(call: Call): Promise<Response>;
  /** Unregisters the device. */
  unregister(call: Call): Promise<Response>;
  /** Closes the line with 1000 and stays away; calls that wait end. */
  close(): void;
}

/** How long the gateway may take to answer a close. */
const CLOSE_WITHIN_MS = 5_000;

/** The longest that `setTimeout` waits; what is longer it does at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Opens the line, and keeps it open until it is closed. */
export function createClient(url: string, options: Options = {}): Client {
  const device = options.deviceId ?? deviceId();
  const { host = new URL(url).host, openWithinMs = 10_000, maxEvents = 1_000 } = options;
  const session = createSession({
    deviceId: device,
    host,
    callWithinMs: options.callWithinMs ?? 10_000,
    bindWithinMs: options.bindWithinMs ?? 10_000,
    maxCalls: options.maxCalls ?? 64,
  });
  const backoff = createBackoff({
    baseMs: options.baseMs ?? 500,
    maxMs: options.maxMs ?? 30_000,
    stableAfterMs: options.stableAfterMs ?? 10_000,
  });
  const makeSocket = options.socket ?? ((url) => new WebSocket(url) as unknown as Socket);

  let socket: Socket | undefined;
  let openedAt: number | undefined;
  /** Rings when the session has something to do. */
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Rings when the line does not open, or when nobody answers its close: that is an end, too. */
  let late: ReturnType<typeof setTimeout> | undefined;
  /** Rings when the next line is to be opened. */
  let retry: ReturnType<typeof setTimeout> | undefined;
  let isEnded = false;
  /** What is sent, one after the other: a signature takes a moment. */
  let sending: Promise<void> = Promise.resolve();
  /** What is heard, one after the other. */
  let hearing: Promise<void> = Promise.resolve();
  let waitingEvents = 0;

  function open(): void {
    retry = undefined;
    const mine = makeSocket(url);
    socket = mine;
    openedAt = undefined;
    endWithin(openWithinMs, "the line did not open");
    mine.onopen = () => {
      if (mine !== socket) return;
      clearTimeout(late);
      openedAt = Date.now();
      session.opened(Date.now());
      turn();
    };
    mine.onmessage = ({ data }) => {
      if (mine !== socket || typeof data !== "string") return;
      session.received(data, Date.now());
      turn();
    };
    mine.onerror = () => {};
    mine.onclose = ({ code, reason }) => {
      if (mine === socket) ended(code, reason);
    };
  }

  function endWithin(ms: number, why: string): void {
    clearTimeout(late);
    late = setTimeout(
      () => {
        const line = socket;
        ended(1006, why);
        line?.close();
      },
      Math.min(ms, LONGEST_TIMER_MS),
    );
  }

  /** The line has ended, or is let go of. */
  function ended(code: number, reason: string): void {
    clearTimeout(late);
    socket = undefined;
    if (openedAt !== undefined) backoff.wasOpen(Date.now() - openedAt);
    session.lost();
    const retryInMs = backoff.next(Math.random());
    retry = setTimeout(open, retryInMs);
    tell({ kind: "disconnected", code, reason, retryInMs });
    turn();
  }

  /** Says and hands on what there is, and sets the clock for what is next. */
  function turn(): void {
    const line = socket;
    for (const item of session.takeOutgoing()) {
      sending = sending.then(() => send(line, item)).catch(complain);
    }
    for (const heard of session.takeHeard()) tell(heard);
    if (session.takeRestart()) {
      endWithin(CLOSE_WITHIN_MS, "the close was not answered");
      line?.close(1000, "Reconnect");
    }
    clearTimeout(timer);
    const deadline = session.deadline();
    if (deadline === undefined) return;
    timer = setTimeout(
      () => {
        session.handleTimeout(Date.now());
        turn();
      },
      Math.min(Math.max(0, deadline - Date.now()), LONGEST_TIMER_MS),
    );
  }

  async function send(line: Socket | undefined, item: Outgoing): Promise<void> {
    const text = item.kind === "word" ? item.text : encodeCall(await signed(item.call), host);
    // What was meant for a line that is gone is not said on another.
    if (line !== undefined && line === socket) line.send(text);
  }

  function signed(call: Call): Promise<Call> | Call {
    if (options.credentials === undefined) return call;
    return sign(call, options.credentials, { timestampMs: Date.now(), nonce: crypto.randomUUID() });
  }

  function tell(event: Event): void {
    const line = socket;
    if (event.kind === "notify" && waitingEvents >= maxEvents) {
      // Not heard and not acknowledged: a gateway that keeps messages says it again.
      session.endLine();
      return;
    }
    waitingEvents += 1;
    hearing = hearing
      .then(() => options.onEvent?.(event))
      .catch(complain)
      .then(() => {
        waitingEvents -= 1;
        if (event.kind !== "notify" || line === undefined || line !== socket) return;
        session.acknowledge();
        turn();
      });
  }

  function ask(kind: Kind, call: Call): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (isEnded) {
        reject(new CallError("ended"));
        return;
      }
      session.call(kind, call, Date.now(), (answer) => {
        if (typeof answer === "string") reject(new CallError(answer));
        else resolve(answer);
      });
      turn();
    });
  }

  open();
  return {
    deviceId: device,
    call: (call) => ask("COMMON", call),
    register: (call) => ask("REGISTER", call),
    unregister: (call) => ask("UNREGISTER", call),
    close() {
      if (isEnded) return;
      isEnded = true;
      for (const one of [timer, late, retry]) clearTimeout(one);
      session.end();
      const line = socket;
      // What it says until it is closed is not heard any more.
      socket = undefined;
      line?.close(1000, "");
    },
  };
}

/** A call that cannot be signed, or an owner that throws: nobody waits for this error. */
function complain(error: unknown): void {
  console.error(error);
}
