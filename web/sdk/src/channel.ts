// A channel as the application sees it.

import { Emitter } from "./emitter.ts";
import { TielineError } from "./errors.ts";
import { createFeed, type Feed } from "./feed.ts";
import type { Gap } from "./recovery.ts";
import { createSubscription, type Hooks, type Subscription, type Told } from "./subscription.ts";
import {
  type Counted,
  type History,
  type Member,
  type Position,
  type Publication,
  type Published,
  readCounted,
  readHistory,
  readMembers,
  readPublished,
} from "./wire.ts";

export interface ChannelEvents<T> {
  publication: Publication<T>;
  /** Publications are missing: load what you show anew. */
  gap: Gap;
  join: Member;
  leave: Member;
  /** The server has it, on the first line and on each that follows. */
  subscribed: { readonly position?: Position; readonly recovered?: boolean };
  /** The server ended it. */
  unsubscribed: { readonly code: number; readonly reason: string };
  /** It could not be subscribed to; it is tried again where the error's advice is `retry`. */
  error: TielineError;
}

/** What a loop over a channel is given. */
export type Item<T> =
  | ({ readonly kind: "publication" } & Publication<T>)
  | ({ readonly kind: "gap" } & Gap);

/** Offsets from which on, or up to which, to look; without either the newest. */
export interface HistoryRange {
  readonly after?: number;
  readonly before?: number;
  readonly limit?: number;
}

/** What a channel needs of its client. */
export interface Asks {
  readonly askLine: Hooks["ask"];
  readonly askAgain: (method: string, params: object) => Promise<unknown>;
  readonly maxItems: number;
}

/** A channel, or all that begin alike: `news:*`. */
export class Channel<T = unknown>
  extends Emitter<ChannelEvents<T>>
  implements AsyncIterable<Item<T>>
{
  readonly name: string;
  readonly #asks: Asks;
  readonly #feeds = new Set<Feed<Item<T>>>();
  /** @internal */
  readonly subscription: Subscription;

  /** @internal */
  constructor(name: string, asks: Asks) {
    super();
    this.name = name;
    this.#asks = asks;
    const hooks: Hooks = { ask: asks.askLine, tell: (told) => this.#tell(told) };
    this.subscription = createSubscription(name, hooks);
  }

  /** Where the last publication stands that was seen. */
  get position(): Position | undefined {
    return this.subscription.position();
  }

  /** Whether it is subscribed to, on this line or on the next. */
  get isSubscribed(): boolean {
    return this.subscription.isWanted();
  }

  /** Done when it is subscribed to. From then on it is kept, over every loss, until `unsubscribe`. */
  subscribe(): Promise<void> {
    return this.subscription.want();
  }

  /** Done when nothing more comes; loops over the channel end. */
  unsubscribe(): Promise<void> {
    for (const feed of [...this.#feeds]) feed.end();
    return this.subscription.unwant();
  }

  /** Publishes, once, whatever becomes of the line meanwhile: the key says that it is the same. */
  async publish(data: T, { key = newKey() }: { key?: string } = {}): Promise<Published> {
    return this.#read("publish", { data, key }, readPublished);
  }

  /** What was published: the newest first, or behind an offset the oldest. */
  async history(range: HistoryRange = {}): Promise<History<T>> {
    const read = (result: unknown) => readHistory(this.name, result);
    return (await this.#read("history", range, read)) as History<T>;
  }

  /** Who has subscribed. */
  presence(): Promise<readonly Member[]> {
    return this.#read("presence", {}, readMembers);
  }

  /** How many have subscribed. */
  presenceStats(): Promise<Counted> {
    return this.#read("presence_stats", {}, readCounted);
  }

  /**
   * What comes, for a `for await` loop, which subscribes and ends with the subscription. What waits for the loop is bounded:
   * one that is too slow is told, by a gap, how many were dropped.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item<T>> {
    const dropped = (count: number): Item<T> => ({ kind: "gap", reason: "slow", dropped: count });
    const feed = createFeed<Item<T>>(this.#asks.maxItems, dropped, () => this.#feeds.delete(feed));
    this.#feeds.add(feed);
    this.subscribe().catch((error: Error) => feed.end(error));
    return feed;
  }

  /** @internal The client is closed. */
  close(error: TielineError): void {
    this.subscription.close(error);
    for (const feed of [...this.#feeds]) feed.end();
  }

  async #read<R>(
    method: string,
    params: object,
    read: (result: unknown) => R | undefined,
  ): Promise<R> {
    const answer = read(await this.#asks.askAgain(method, { channel: this.name, ...params }));
    if (answer === undefined) throw new TielineError(-32603, `the answer to ${method} is none`);
    return answer;
  }

  #tell(told: Told): void {
    switch (told.kind) {
      case "publication": {
        const publication = told.publication as Publication<T>;
        this.#feed({ kind: "publication", ...publication });
        this.emit("publication", publication);
        return;
      }
      case "gap":
        this.#feed({ kind: "gap", ...told.gap });
        this.emit("gap", told.gap);
        return;
      case "join":
      case "leave":
        this.emit(told.kind, told.member);
        return;
      case "subscribed": {
        const { kind: _, ...subscribed } = told;
        this.emit("subscribed", subscribed);
        return;
      }
      case "unsubscribed":
        for (const feed of [...this.#feeds]) feed.end(new TielineError(told.code, told.reason));
        this.emit("unsubscribed", { code: told.code, reason: told.reason });
        return;
      case "error":
        this.emit("error", told.error);
    }
  }

  #feed(item: Item<T>): void {
    for (const feed of this.#feeds) feed.push(item);
  }
}

/** 128 random bits; `crypto.randomUUID` is there on secure pages alone. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
