// What the view of channels knows: the line, the channel that is looked at, who is there, and what was heard.

import { batch, type ReadonlySignal, signal } from "@preact/signals";
import {
  type CarrierName,
  type Channel,
  type Member,
  type Position,
  Tieline,
  TielineError,
} from "../../../sdk/src/index.ts";
import { createSoon } from "../soon.ts";
import { type Advice, adviceOn, adviceOnLoss } from "./advice.ts";
import { readData } from "./data.ts";
import { append, EMPTY, fill, gapOf, type Heard, oldestShown, prepend } from "./heard.ts";
import { createSeverable, type Severable } from "./severable.ts";

/** Which carriers may be used. */
export type CarrierChoice = "any" | "events" | "poll" | "websocket";

/** What somebody asks for. */
export interface Wanted {
  readonly path: string;
  readonly channel: string;
  readonly name: string;
  /** Kept in the memory of the page alone. */
  readonly token: string;
  readonly carrier: CarrierChoice;
}

/** Where the line stands. */
export type LineNow =
  | { readonly kind: "closed" }
  | { readonly kind: "connecting"; readonly retryAt?: number }
  | { readonly kind: "idle" }
  | {
      readonly kind: "open";
      readonly carrier: CarrierName;
      readonly client: string;
      readonly user?: string;
    };

/** Who is there, or why nobody says. */
export interface Here {
  readonly members: ReadonlyMap<string, Member>;
  /** False while the line is away: who is there now is not known. */
  readonly isFresh: boolean;
  readonly isUntold: boolean;
}

export interface ChannelsDesk {
  readonly base: string;
  readonly wanted: ReadonlySignal<Wanted>;
  readonly line: ReadonlySignal<LineNow>;
  readonly trouble: ReadonlySignal<Advice | undefined>;
  readonly isSubscribed: ReadonlySignal<boolean>;
  readonly position: ReadonlySignal<Position | undefined>;
  readonly here: ReadonlySignal<Here>;
  readonly heard: ReadonlySignal<Heard>;
  /** Whether there is more before what is shown. */
  readonly hasEarlier: ReadonlySignal<boolean>;
  /** What was said and is not acknowledged yet. */
  readonly waiting: ReadonlySignal<readonly string[]>;
  /** What became of the last that was published. */
  readonly published: ReadonlySignal<string>;
  readonly refused: ReadonlySignal<Advice | undefined>;
  readonly severable: Severable;
  start(): void;
  want(wanted: Wanted): void;
  publish(text: string): void;
  earlier(): Promise<void>;
  askFor(gapId: number): Promise<void>;
}

const DEFAULT: Wanted = {
  path: "/tieline",
  channel: "demo:lobby",
  name: "",
  token: "",
  carrier: "any",
};

const CARRIERS: Readonly<Record<CarrierChoice, readonly CarrierName[] | undefined>> = {
  any: undefined,
  websocket: ["websocket"],
  events: ["stream", "events"],
  poll: ["poll"],
};

const NOBODY: Here = { members: new Map(), isFresh: false, isUntold: false };

/** Publications of a page of history. */
const PAGE = 50;

const REFRESH_MS = 50;

export function createChannels(base: string, severable = createSeverable()): ChannelsDesk {
  const wanted = signal(DEFAULT);
  const line = signal<LineNow>({ kind: "idle" });
  const trouble = signal<Advice | undefined>(undefined);
  const isSubscribed = signal(false);
  const position = signal<Position | undefined>(undefined);
  const here = signal(NOBODY);
  const shown = signal<Heard>(EMPTY);
  const hasEarlier = signal(false);
  const waiting = signal<readonly string[]>([]);
  const published = signal("");
  const refused = signal<Advice | undefined>(undefined);

  let heard = EMPTY;
  let client: Tieline | undefined;
  let channel: Channel | undefined;
  let stopListening: (() => void)[] = [];
  let wasOpen = false;
  let isLost = false;

  // A flood of publications is shown now and then, not one by one.
  const soon = createSoon(REFRESH_MS, () => {
    shown.value = heard;
    position.value = channel?.position;
  });

  function keep(next: Heard): void {
    heard = next;
    soon();
  }

  function news(text: string): void {
    keep(append(heard, { kind: "news", text, at: new Date() }));
  }

  function open(): void {
    const { carrier, name, path, token } = wanted.value;
    const carriers = CARRIERS[carrier];
    wasOpen = false;
    isLost = false;
    let opened: Tieline;
    try {
      opened = new Tieline(base + path, {
        ...severable.ways,
        ...(token === "" ? {} : { token }),
        ...(name === "" ? {} : { name }),
        ...(carriers === undefined ? {} : { carriers }),
      });
    } catch (error) {
      line.value = { kind: "closed" };
      trouble.value = { what: wordsOf(error), next: "Choose another carrier or path below." };
      return;
    }
    client = opened;
    line.value = { kind: "connecting" };
    opened.on("connecting", () => {
      line.value = { kind: "connecting" };
    });
    opened.on("connected", ({ client, carrier, user, recovered }) => {
      const by = nameOf(carrier);
      if (isLost) news(`Back by ${by}, in ${recovered ? "the same" : "a new"} session.`);
      else if (wasOpen) news(`It goes on by ${by}, which is better.`);
      wasOpen = true;
      isLost = false;
      line.value = { kind: "open", carrier, client, ...(user === undefined ? {} : { user }) };
      trouble.value = undefined;
    });
    opened.on("disconnected", ({ code, retryInMs }) => {
      // Told once, however often it is tried to come back.
      if (wasOpen && !isLost) news("The line is lost.");
      isLost = wasOpen;
      away();
      line.value = { kind: "connecting", retryAt: Date.now() + retryInMs };
      trouble.value = severable.isCut.value ? undefined : adviceOnLoss(code, wasOpen);
    });
    opened.on("closed", ({ error }) => {
      away();
      line.value = { kind: "closed" };
      if (error) trouble.value = adviceOn(error, wish("subscribe"));
    });
  }

  function away(): void {
    isSubscribed.value = false;
    here.value = { ...here.value, isFresh: false };
  }

  function wish(deed: "publish" | "subscribe") {
    return { deed, channel: wanted.value.channel, hasToken: wanted.value.token !== "" };
  }

  function enter(): void {
    if (!client) return;
    const entered = client.channel(wanted.value.channel);
    channel = entered;
    keep(EMPTY);
    here.value = NOBODY;
    hasEarlier.value = false;
    refused.value = undefined;
    published.value = "";
    waiting.value = [];
    let seen: Position | undefined;
    let caughtUp = 0;
    stopListening = [
      entered.on("subscribed", ({ position: at, recovered }) => {
        isSubscribed.value = true;
        caughtUp = recovered ? (at?.offset ?? 0) : 0;
        if (recovered && seen && at) news(missedOf(at.offset - seen.offset));
        if (seen === undefined && at) void first(entered, at);
        seen = at;
        soon();
        void look(entered);
      }),
      entered.on("publication", (publication) => {
        const arrival = publication.offset <= caughtUp ? "missed" : "live";
        keep(append(heard, { kind: "publication", publication, arrival, at: new Date() }));
        seen = entered.position;
      }),
      entered.on("gap", (gap) => keep(append(heard, gapOf(gap, new Date())))),
      entered.on("join", (member) => {
        if (!here.value.members.has(member.client)) change((to) => to.set(member.client, member));
      }),
      entered.on("leave", ({ client }) => change((to) => to.delete(client))),
      entered.on("unsubscribed", ({ code, reason }) => {
        isSubscribed.value = false;
        trouble.value = adviceOn(new TielineError(code, reason), wish("subscribe"));
      }),
      entered.on("error", (error) => {
        trouble.value = adviceOn(error, wish("subscribe"));
      }),
    ];
    // What goes wrong is told by `error`, or by the client's end.
    entered.subscribe().catch(() => {});
  }

  function change(by: (members: Map<string, Member>) => void): void {
    const members = new Map(here.value.members);
    by(members);
    here.value = { ...here.value, members };
  }

  /** Asks who is there. */
  async function look(at: Channel): Promise<void> {
    try {
      const members = new Map((await at.presence()).map((member) => [member.client, member]));
      if (at === channel) here.value = { members, isFresh: isSubscribed.value, isUntold: false };
    } catch {
      if (at === channel) here.value = { ...NOBODY, isFresh: isSubscribed.value, isUntold: true };
    }
  }

  /** What was said before somebody came. */
  async function first(at: Channel, { offset }: Position): Promise<void> {
    await page(at, offset + 1);
  }

  async function page(at: Channel, before: number): Promise<void> {
    const { epoch } = at.position ?? {};
    try {
      const history = await at.history({ before, limit: PAGE });
      if (at !== channel || history.position.epoch !== epoch) return;
      keep(prepend(heard, history.publications, new Date()));
      const oldest = history.publications.at(-1)?.offset;
      hasEarlier.value = oldest !== undefined && oldest > history.oldest;
    } catch (error) {
      if (at !== channel) return;
      hasEarlier.value = false;
      news(`What was said before cannot be had: ${wordsOf(error)}.`);
    }
  }

  function leave(): void {
    for (const stop of stopListening) stop();
    stopListening = [];
    isSubscribed.value = false;
    // The client may be closed already.
    channel?.unsubscribe().catch(() => {});
    channel = undefined;
  }

  return {
    base,
    wanted,
    line,
    trouble,
    isSubscribed,
    position,
    here,
    heard: shown,
    hasEarlier,
    waiting,
    published,
    refused,
    severable,
    start() {
      if (client) return;
      open();
      enter();
    },
    want(next) {
      const last = wanted.value;
      const isSameLine =
        client?.state !== "closed" &&
        (["path", "name", "token", "carrier"] as const).every((key) => last[key] === next[key]);
      batch(() => {
        leave();
        wanted.value = next;
        trouble.value = undefined;
        if (!isSameLine) {
          client?.close();
          client = undefined;
          open();
        }
        enter();
      });
    },
    publish(text) {
      const to = channel;
      if (!to) return;
      const before = waiting.value;
      refused.value = undefined;
      waiting.value = [...before, text];
      const settle = () => {
        const index = waiting.value.indexOf(text);
        waiting.value = waiting.value.filter((_, at) => at !== index);
      };
      to.publish(readData(text).data).then(
        ({ position: { offset } }) => {
          if (to !== channel) return;
          settle();
          published.value = `Published at ${offset}.`;
        },
        (error: TielineError) => {
          if (to !== channel) return;
          settle();
          published.value = "";
          refused.value = adviceOn(error, wish("publish"));
        },
      );
    },
    async earlier() {
      const before = oldestShown(heard);
      if (channel && before !== undefined) await page(channel, before);
    },
    async askFor(gapId) {
      const at = channel;
      const gap = heard.entries.find(({ id }) => id === gapId);
      if (!at || gap?.kind !== "gap" || !gap.missing) return;
      const { first, last } = gap.missing;
      const limit = Math.min(PAGE, last - first + 1);
      try {
        const { publications } = await at.history({ after: first - 1, limit });
        if (at === channel) keep(fill(heard, gapId, publications, new Date()));
      } catch (error) {
        if (at === channel) news(`They cannot be had: ${wordsOf(error)}.`);
      }
    },
  };
}

/** How a carrier is called. */
export function nameOf(carrier: CarrierName): string {
  return CARRIER_NAMES[carrier];
}

const CARRIER_NAMES: Readonly<Record<CarrierName, string>> = {
  websocket: "WebSocket",
  stream: "event stream (fetch)",
  events: "event stream (EventSource)",
  poll: "long poll",
};

function missedOf(count: number): string {
  if (count === 0) return "Nothing was missed.";
  return count === 1 ? "One was missed, and follows." : `${count} were missed, and follow.`;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
