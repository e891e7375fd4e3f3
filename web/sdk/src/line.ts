// One line: a carrier, and how far it has come.

import {
  type Carrier,
  type CarrierName,
  type Ended,
  type Hears,
  LOST,
} from "./carriers/carrier.ts";
import type { Notification } from "./wire.ts";

/** What the server says last on a line. */
type Disconnect = Extract<Notification, { kind: "disconnect" }>;

/** Why a line ended, and what the server said of it. */
export interface LineEnd extends Ended {
  readonly told?: Disconnect;
}

/** What a line does for its client. */
export interface Owner {
  /** Messages can be sent: `connect` is the first. */
  opened(line: Line): void;
  message(line: Line, text: string): void;
  alive(line: Line): void;
  ended(line: Line, end: LineEnd): void;
}

export class Line {
  readonly name: CarrierName;
  /** How it ended, or nothing once `connect` was answered. */
  readonly connected: Promise<LineEnd | undefined>;
  readonly ended: Promise<LineEnd>;
  /** What the server said last. */
  told: Disconnect | undefined;
  readonly #carrier: Carrier;
  readonly #owner: Owner;
  readonly #late: ReturnType<typeof setTimeout>;
  #isConnected!: (end: LineEnd | undefined) => void;
  #isEnded!: (end: LineEnd) => void;
  #end: LineEnd | undefined;

  /** It ends by itself where `connect` is not answered in time. */
  constructor(name: CarrierName, open: (hears: Hears) => Carrier, withinMs: number, owner: Owner) {
    this.name = name;
    this.#owner = owner;
    this.connected = new Promise((resolve) => {
      this.#isConnected = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#isEnded = resolve;
    });
    this.#late = setTimeout(
      () => this.end({ code: LOST, reason: "connect was not answered in time" }),
      withinMs,
    );
    this.#carrier = this.#open(open);
  }

  #open(open: (hears: Hears) => Carrier): Carrier {
    const owner = this.#owner;
    try {
      return open({
        opened: () => owner.opened(this),
        message: (text) => owner.message(this, text),
        alive: () => owner.alive(this),
        ended: (ended) => this.end(ended),
      });
    } catch (error) {
      // A browser does so where the page may not go there.
      queueMicrotask(() => this.end({ code: LOST, reason: String(error) }));
      return { send: () => {}, close: () => {} };
    }
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** `connect` was answered. */
  connect(): void {
    clearTimeout(this.#late);
    this.#isConnected(undefined);
  }

  send(text: string): void {
    if (!this.isOver) this.#carrier.send(text);
  }

  /** It ends, for this reason unless the server has said another; its session ends with it only `forGood`. */
  end(ended: Ended, forGood = false): void {
    if (this.isOver) return;
    clearTimeout(this.#late);
    const told = this.told;
    this.#end = told ? { code: told.code, reason: told.reason, told } : ended;
    this.#carrier.close(forGood);
    this.#owner.ended(this, this.#end);
    this.#isConnected(this.#end);
    this.#isEnded(this.#end);
  }
}
