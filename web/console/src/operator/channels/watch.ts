// Which channels somebody has subscribed to, and who is in the one that is looked at.

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Api, ChannelInfo, Member } from "../api.ts";
import { whileSeen } from "../while_seen.ts";

export interface Watch {
  /** The channels that were asked for so far, by their names; undefined before the first answer. */
  readonly channels: ReadonlySignal<readonly ChannelInfo[] | undefined>;
  readonly hasMore: ReadonlySignal<boolean>;
  readonly chosen: ReadonlySignal<string | undefined>;
  /** Who is in the chosen one: undefined before the first answer, null where nobody says so. */
  readonly members: ReadonlySignal<readonly Member[] | null | undefined>;
  readonly problem: ReadonlySignal<string>;
  choose(channel: string): Promise<void>;
  more(): Promise<void>;
  /** Begins to ask, until what it answers is called; while the page is hidden it waits. */
  start(): () => void;
}

const EVERY_MS = 2000;

export function createWatch(api: Pick<Api, "channels" | "members">, page?: Document): Watch {
  const channels = signal<readonly ChannelInfo[] | undefined>(undefined);
  const hasMore = signal(false);
  const chosen = signal<string | undefined>(undefined);
  const members = signal<readonly Member[] | null | undefined>(undefined);
  const problem = signal("");
  let pages = 1;

  /** Reads as many pages as are shown. */
  async function list(): Promise<void> {
    const found: ChannelInfo[] = [];
    let next: string | undefined;
    for (let page = 0; page < pages; page += 1) {
      const some = await api.channels(next);
      found.push(...some.channels);
      next = some.next ?? undefined;
      if (next === undefined) break;
    }
    channels.value = found;
    hasMore.value = next !== undefined;
  }

  async function meet(): Promise<void> {
    const channel = chosen.value;
    // Where nobody says so, nobody will: that is the configuration's.
    if (channel === undefined || members.value === null) return;
    const there = await api.members(channel);
    // Another may have been chosen meanwhile.
    if (channel === chosen.value) members.value = there;
  }

  async function tell(asking: Promise<unknown>): Promise<void> {
    try {
      await asking;
      problem.value = "";
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  }

  return {
    channels,
    hasMore,
    chosen,
    members,
    problem,
    async choose(channel) {
      chosen.value = channel;
      members.value = undefined;
      await tell(meet());
    },
    async more() {
      pages += 1;
      await tell(list());
    },
    start: () => whileSeen(() => tell(Promise.all([list(), meet()])), EVERY_MS, page),
  };
}
