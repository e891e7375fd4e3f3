// What the page knows of a terminal: its session, who watches, and the line that lasts.

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Bridge, lineUrl } from "../entrance.ts";
import { createLastingLine, type LastingLine } from "../lasting_line.ts";
import type { Screen, Size } from "./screen.ts";
import { formatEnd, formatSize, parseNews, type Session } from "./wire.ts";

/** Who watches. */
export interface Viewers {
  /** Of those who have been there longest. */
  readonly names: readonly string[];
  readonly count: number;
}

/** A terminal, whoever shows it. */
export interface Desk {
  readonly line: LastingLine;
  readonly session: ReadonlySignal<Session | undefined>;
  readonly viewers: ReadonlySignal<Viewers>;
  /** How the program ended, once it has. */
  readonly ended: ReadonlySignal<string | undefined>;
  readonly title: ReadonlySignal<string>;
  /** Shows the session on a screen from now on, and opens the line. */
  show(screen: Screen): void;
  typed(bytes: Uint8Array<ArrayBuffer>): void;
  titled(title: string): void;
  /** The screen has room for so much now. */
  fitted(): void;
  /** Asks for the end of the program. */
  end(): void;
  /** Goes to another session; undefined begins one. */
  join(id: string | undefined): void;
}

/** What a screen may still have to draw, in bytes, before the line is closed until it has. */
const MAX_UNDRAWN = 8 << 20;

/** Most that is typed in one message, in bytes: servers bound what a message may be, and people paste. */
const MAX_TYPED = 16 << 10;

const NOBODY: Viewers = { names: [], count: 0 };

/** Makes the desk of a terminal; `session` is the one that the address names. */
export function createDesk(
  bridge: Bridge,
  first: string | undefined,
  remember: (session: string | undefined) => void,
): Desk {
  const session = signal<Session | undefined>(undefined);
  const viewers = signal(NOBODY);
  const ended = signal<string | undefined>(undefined);
  const title = signal("");
  let id = first;
  let screen: Screen | undefined;
  let told: Size | undefined;
  /** Whether the next bytes paint the screen as it is. */
  let isUnpainted = false;
  /** Whether this line has painted it once. */
  let wasPainted = false;
  let undrawn = 0;
  let isOverrun = false;

  const line = createLastingLine(() => lineUrl(location, bridge.route, { session: id }), {
    opened() {
      wasPainted = false;
    },
    message(payload) {
      if (typeof payload !== "string") draw(payload);
      else heard(payload);
    },
  });

  function heard(text: string) {
    const news = parseNews(text);
    switch (news?.type) {
      case "session":
        session.value = news.session;
        ended.value = undefined;
        id = news.session.id;
        remember(id);
        told = news.session;
        isUnpainted = true;
        screen?.resize(news.session);
        screen?.letType(news.session.mayType);
        break;
      case "size":
        told = { columns: news.columns, rows: news.rows };
        screen?.resize(told);
        break;
      case "viewers":
        viewers.value = news;
        break;
      case "ended":
        ended.value = news.how;
        screen?.letType(false);
        break;
    }
  }

  function draw(bytes: Uint8Array<ArrayBuffer>) {
    if (screen === undefined || isOverrun) return;
    const isPaint = isUnpainted;
    isUnpainted = false;
    // Painted again, because typing is heard from now on or no more: what has scrolled off stays.
    if (isPaint && !wasPainted) screen.reset();
    wasPainted ||= isPaint;
    undrawn += bytes.length;
    screen.write(bytes, () => {
      undrawn -= bytes.length;
      if (isOverrun && undrawn === 0) {
        isOverrun = false;
        line.connect();
      }
    });
    // What was painted has the size of the session, so that is changed behind it.
    if (isPaint) fitted();
    // A browser takes whatever comes: only a closed line waits. It begins again with the screen as it then is.
    if (undrawn > MAX_UNDRAWN) {
      isOverrun = true;
      line.stop();
    }
  }

  function fitted() {
    if (screen === undefined || session.value?.mayType !== true || ended.value !== undefined)
      return;
    const room = screen.room();
    if (room === undefined || line.state.value.kind !== "open") return;
    if (room.columns === told?.columns && room.rows === told.rows) return;
    told = room;
    screen.resize(room);
    line.send(formatSize(room.columns, room.rows));
  }

  return {
    line,
    session,
    viewers,
    ended,
    title,
    show(on) {
      screen = on;
      line.connect();
    },
    typed(bytes) {
      if (session.value?.mayType !== true || ended.value !== undefined) return;
      // Of several who type, the terminal is as large as the window of who did last.
      fitted();
      for (let from = 0; from < bytes.length; from += MAX_TYPED) {
        line.send(bytes.subarray(from, from + MAX_TYPED));
      }
    },
    titled(text) {
      title.value = text;
    },
    fitted,
    end() {
      line.send(formatEnd());
    },
    join(other) {
      id = other;
      remember(other);
      session.value = undefined;
      viewers.value = NOBODY;
      ended.value = undefined;
      title.value = "";
      screen?.reset();
      line.renew();
    },
  };
}
