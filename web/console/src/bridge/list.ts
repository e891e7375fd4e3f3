// Lists that the server answers, asked for again and again while they are shown.

import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { formatTime } from "../quantities.ts";

const REFRESH_MS = 3000;

/** A list as it was answered last. */
export interface List<T> {
  /** Undefined before the first answer. */
  readonly items: ReadonlySignal<readonly T[] | undefined>;
  /** Why there is no newer one; empty where there is. */
  readonly problem: ReadonlySignal<string>;
}

/** Asks for a list as long as it is shown. */
export function useList<T>(path: string, parse: (text: string) => readonly T[]): List<T> {
  const items = useSignal<readonly T[] | undefined>(undefined);
  const problem = useSignal("");
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function refresh() {
      try {
        items.value = parse(await ask(path));
        problem.value = "";
      } catch (error) {
        problem.value = String(error instanceof Error ? error.message : error);
      }
      if (!isOver) timer = setTimeout(refresh, REFRESH_MS);
    }
    void refresh();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [path, parse, items, problem]);
  return { items, problem };
}

/** Asks for a text; throws what the server says where that is none. */
export async function ask(path: string): Promise<string> {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).trim()}`);
  return answer.text();
}

/** A time as a person reads it: of the day, and with the date where that is another. */
export function formatWhen(at: Date, now = new Date()): string {
  if (Number.isNaN(at.getTime())) return "";
  const time = formatTime(at);
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}
