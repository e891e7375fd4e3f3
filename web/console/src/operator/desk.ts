// What the operator's page knows: the key, the devices, the one that is looked at.

import { type ReadonlySignal, signal } from "@preact/signals";
import { createLog, type Log } from "../log.ts";
import { type Api, createApi, type Device, Refused } from "./api.ts";

/** What was done to a device, and what came of it. */
export interface Deed {
  readonly device: string;
  readonly what: string;
  readonly outcome: string;
  readonly failed: boolean;
}

/** The state of the page. */
export interface Desk
  extends Pick<Api, "channels" | "frames" | "inspect" | "lines" | "members" | "metrics"> {
  /** Whether a key was given that is good. */
  readonly isOpen: ReadonlySignal<boolean>;
  readonly problem: ReadonlySignal<string>;
  /** The devices that were asked for so far, by their ids; undefined before the first answer. */
  readonly devices: ReadonlySignal<readonly Device[] | undefined>;
  readonly hasMore: ReadonlySignal<boolean>;
  readonly chosen: ReadonlySignal<string | undefined>;
  readonly deeds: Log<Deed>;
  open(key: string): Promise<void>;
  close(): void;
  more(): Promise<void>;
  choose(id: string): void;
  send(id: string, text: string): Promise<boolean>;
  disconnect(id: string): Promise<void>;
  forget(id: string): Promise<void>;
}

const REFRESH_MS = 2000;

export function createDesk(apiOf: (key: string) => Api = createApi): Desk {
  const isOpen = signal(false);
  const problem = signal("");
  const devices = signal<readonly Device[] | undefined>(undefined);
  const hasMore = signal(false);
  const chosen = signal<string | undefined>(undefined);
  const deeds = createLog<Deed>();
  let api: Api | undefined;
  let pages = 1;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Reads as many pages as are shown. */
  async function load() {
    const asked = api;
    if (asked === undefined) return;
    const found: Device[] = [];
    let next: string | undefined;
    for (let page = 0; page < pages; page += 1) {
      const some = await asked.devices(next);
      found.push(...some.devices);
      next = some.next ?? undefined;
      if (next === undefined) break;
    }
    if (asked !== api) return;
    devices.value = found;
    hasMore.value = next !== undefined;
  }

  async function refresh() {
    clearTimeout(timer);
    try {
      await load();
      problem.value = "";
      isOpen.value = api !== undefined;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
      if (error instanceof Refused && (error.status === 401 || error.status === 403)) return shut();
    }
    if (api !== undefined) timer = setTimeout(refresh, REFRESH_MS);
  }

  async function opened(): Promise<Api> {
    if (api === undefined) throw new Error("There is no key yet.");
    return api;
  }

  function shut() {
    clearTimeout(timer);
    api = undefined;
    isOpen.value = false;
    devices.value = undefined;
    chosen.value = undefined;
  }

  async function act(device: string, what: string, deed: (api: Api) => Promise<string>) {
    if (api === undefined) return false;
    try {
      deeds.add({ device, what, outcome: await deed(api), failed: false });
      return true;
    } catch (error) {
      const outcome = error instanceof Error ? error.message : String(error);
      deeds.add({ device, what, outcome, failed: true });
      return false;
    } finally {
      await refresh();
    }
  }

  return {
    isOpen,
    problem,
    devices,
    hasMore,
    chosen,
    deeds,
    async open(key) {
      api = apiOf(key);
      pages = 1;
      await refresh();
    },
    close() {
      shut();
      problem.value = "";
    },
    async more() {
      pages += 1;
      await refresh();
    },
    choose: (id) => (chosen.value = id),
    channels: (after) => opened().then((api) => api.channels(after)),
    members: (channel) => opened().then((api) => api.members(channel)),
    metrics: () => opened().then((api) => api.metrics()),
    lines: (after) => opened().then((api) => api.lines(after)),
    frames: (line, signal) => opened().then((api) => api.frames(line, signal)),
    inspect: (capture, signal) => opened().then((api) => api.inspect(capture, signal)),
    send: (id, text) => act(id, `“${text}”`, (to) => to.send(id, text)),
    async disconnect(id) {
      await act(id, "disconnect", async (to) => {
        await to.disconnect(id);
        return "its line is closed";
      });
    },
    async forget(id) {
      await act(id, "forget", async (to) => {
        await to.forget(id);
        return "its registration and inbox are gone";
      });
    },
  };
}
