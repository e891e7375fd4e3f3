// What carries a line: text messages in both directions, in order, until it ends.

/** A WebSocket; `fetch` of a stream; EventSource; requests that are held until there is something. */
export type CarrierName = "events" | "poll" | "stream" | "websocket";

/** How a line ended: a close code and a reason, as a WebSocket has them. */
export interface Ended {
  readonly code: number;
  readonly reason: string;
}

/** Hears what comes on a line. */
export interface Hears {
  /** Messages can be sent. */
  opened(): void;
  message(text: string): void;
  /** Something came that is no message: the line is still there. */
  alive(): void;
  /** It is over, and nothing more is heard; not called after `close`. */
  ended(ended: Ended): void;
}

/** A line that is open, or about to be. */
export interface Carrier {
  send(text: string): void;
  /** Ends it; nothing more is heard of it. With 1000 `forGood`, which ends its session, too. */
  close(forGood: boolean): void;
}

/** Where a line is opened, and with what. */
export interface Where {
  /** The route's address, `http:` or `https:`. */
  readonly url: URL;
  readonly token: string | undefined;
  /** How long an HTTP request may take that is answered at once, and how long none may get through. */
  readonly requestWithinMs: number;
  readonly tools: Tools;
}

/** What a page gives by itself, and a program may have to bring. */
export interface Tools {
  readonly WebSocket: (new (url: string, protocols: string[]) => WebSocketLike) | undefined;
  readonly EventSource:
    | (new (
        url: string,
        init: { withCredentials: boolean },
      ) => EventSourceLike)
    | undefined;
  readonly fetch: typeof fetch | undefined;
}

/** What is needed of a WebSocket. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** What is needed of an EventSource. */
export interface EventSourceLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  addEventListener(name: string, listener: (event: never) => void): void;
  close(): void;
}

export type OpenCarrier = (where: Where, hears: Hears) => Carrier;

/** The code of a line that was lost without a word. */
export const LOST = 1006;
