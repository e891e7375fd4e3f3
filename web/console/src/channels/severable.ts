// Ways to the server that can be cut: the browser's own, until somebody cuts them.

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Options } from "../../../sdk/src/index.ts";

/** What a browser brings; a test hands in its own. */
export interface Ways {
  readonly WebSocket: typeof WebSocket;
  readonly EventSource: typeof EventSource;
  readonly fetch: typeof fetch;
}

/** Ways that lead to the server, or to nobody. */
export interface Severable {
  readonly isCut: ReadonlySignal<boolean>;
  /** What a client of channels is given instead of the browser's own. */
  readonly ways: Required<Pick<Options, keyof Ways>>;
  /** Ends what is open as a lost network does, without a word, and lets nothing through. */
  cut(): void;
  restore(): void;
}

/** The code of a line that was lost without a word. */
const LOST = 1006;

/** The server is told this code: with 1000 or 1001 the session would be over, too. */
const CUT = 4000;

export function createSeverable(own: Ways = globalThis): Severable {
  const isCut = signal(false);
  const open = new Set<() => void>();

  /** Has a way end when all are cut; a way that begins while they are cut ends as soon as it is listened to. */
  function ends(end: () => void): () => void {
    open.add(end);
    if (isCut.value) queueMicrotask(() => open.has(end) && end());
    return () => open.delete(end);
  }

  class SeverableSocket {
    onopen: ((event: Event) => void) | null = null;
    onmessage: ((event: MessageEvent) => void) | null = null;
    onerror: ((event: Event) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    readonly #socket: WebSocket | undefined;
    readonly #forget: () => void;

    constructor(url: string, protocols: string[]) {
      this.#forget = ends(() => this.#lose());
      if (isCut.value) return;
      const socket = new own.WebSocket(url, protocols);
      socket.onopen = (event) => this.onopen?.(event);
      socket.onmessage = (event) => this.onmessage?.(event);
      socket.onclose = ({ code, reason }) => {
        this.#forget();
        this.onclose?.({ code, reason });
      };
      this.#socket = socket;
    }

    send(text: string): void {
      this.#socket?.send(text);
    }

    close(code?: number, reason?: string): void {
      this.#forget();
      this.#socket?.close(code, reason);
    }

    #lose(): void {
      this.#forget();
      const socket = this.#socket;
      if (socket) {
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close(CUT);
      }
      this.onclose?.({ code: LOST, reason: "" });
    }
  }

  class SeverableSource {
    onopen: ((event: Event) => void) | null = null;
    onmessage: ((event: MessageEvent) => void) | null = null;
    onerror: (() => void) | null = null;
    readonly #source: EventSource | undefined;
    readonly #forget: () => void;

    constructor(url: string, init: EventSourceInit) {
      this.#forget = ends(() => {
        this.close();
        this.onerror?.();
      });
      if (isCut.value) return;
      const source = new own.EventSource(url, init);
      source.onopen = (event) => this.onopen?.(event);
      source.onmessage = (event) => this.onmessage?.(event);
      source.onerror = () => this.onerror?.();
      this.#source = source;
    }

    addEventListener(name: string, listener: (event: never) => void): void {
      this.#source?.addEventListener(name, listener as (event: Event) => void);
    }

    close(): void {
      this.#forget();
      this.#source?.close();
    }
  }

  /** What was begun before the cut may still be read: the reading ends, too. */
  async function severableFetch(...[to, init]: Parameters<typeof fetch>): Promise<Response> {
    const lost = new AbortController();
    const signals = init?.signal ? [init.signal, lost.signal] : [lost.signal];
    const forget = ends(() => lost.abort(new TypeError("the line is cut")));
    const signal = AbortSignal.any(signals);
    signal.addEventListener("abort", forget);
    if (isCut.value) throw new TypeError("the line is cut");
    return own.fetch(to, { ...init, signal });
  }

  return {
    isCut,
    ways: { WebSocket: SeverableSocket, EventSource: SeverableSource, fetch: severableFetch },
    cut() {
      isCut.value = true;
      for (const end of [...open]) end();
    },
    restore() {
      isCut.value = false;
      // As a browser says it whose network is back: whoever waits, tries at once.
      globalThis.dispatchEvent?.(new Event("online"));
    },
  };
}
