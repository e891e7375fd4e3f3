// The screen of a terminal: xterm.js in an element, and what is typed into it.

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { type ITheme, Terminal } from "@xterm/xterm";
import { copyText } from "../../clipboard.ts";
import "@xterm/xterm/css/xterm.css";

/** Columns and rows. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What a screen tells its owner. */
export interface ScreenListener {
  typed?(bytes: Uint8Array<ArrayBuffer>): void;
  titled?(title: string): void;
  /** The keys that ask for a search. */
  search?(): void;
  /** The keys that lead out of it: Tab is the program's. */
  leave?(): void;
}

/** A screen in an element. */
export interface Screen {
  write(data: string | Uint8Array, done?: () => void): void;
  /** Empties it, with all that was set, behind all that was written. */
  reset(): void;
  /** Gives it another size, behind all that was written. */
  resize(size: Size): void;
  /** The size that its element has room for. */
  room(): Size | undefined;
  /** Whether typing does anything. */
  letType(may: boolean): void;
  dress(theme: ITheme): void;
  find(text: string, back: boolean): boolean;
  /** Copies what is marked, or all that is in sight; answers whether it worked. */
  copy(): Promise<boolean>;
  focus(): void;
  dispose(): void;
}

const FONT =
  'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** Lines that can be scrolled back to. */
const SCROLLBACK = 10_000;

/** Puts a screen into an element. */
export function createScreen(host: HTMLElement, theme: ITheme, listener: ScreenListener): Screen {
  const terminal = new Terminal({
    cursorBlink: true,
    disableStdin: true,
    fontFamily: FONT,
    // Programs do not know which theme they write on.
    minimumContrastRatio: 4.5,
    // With less, what hangs below a line, such as an underscore, is cut off.
    lineHeight: 1.1,
    fontSize: matchMedia("(max-width: 640px)").matches ? 12 : 14,
    scrollback: SCROLLBACK,
    theme,
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new WebLinksAddon());
  terminal.open(host);
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown") return true;
    // Where nobody types, Tab is the browser's.
    if (event.code === "Tab" && terminal.options.disableStdin) return false;
    if (!event.ctrlKey || !event.shiftKey) return true;
    if (event.code === "KeyC") void copy();
    else if (event.code === "KeyF") listener.search?.();
    else if (event.code === "KeyL") listener.leave?.();
    // Everything else of Ctrl-Shift is the browser's or the program's.
    else return true;
    event.preventDefault();
    return false;
  });
  const encoder = new TextEncoder();
  terminal.onData((text) => listener.typed?.(encoder.encode(text)));
  // What some programs are told of the mouse is bytes, one for each character.
  terminal.onBinary((text) =>
    listener.typed?.(Uint8Array.from(text, (character) => character.charCodeAt(0))),
  );
  terminal.onTitleChange((title) => listener.titled?.(title));

  function copy(): Promise<boolean> {
    return copyText(terminal.hasSelection() ? terminal.getSelection() : textInSight());
  }

  function textInSight(): string {
    const { active } = terminal.buffer;
    const lines = Array.from({ length: terminal.rows }, (_, row) =>
      active.getLine(active.viewportY + row)?.translateToString(true),
    );
    return `${lines.join("\n").trimEnd()}\n`;
  }

  return {
    write: (data, done) => terminal.write(data, done),
    reset: () => terminal.write("\x1bc"),
    resize({ columns, rows }) {
      terminal.write("", () => {
        if (columns !== terminal.cols || rows !== terminal.rows) terminal.resize(columns, rows);
      });
    },
    room() {
      // Without the scroll bars of a terminal that is larger.
      host.style.overflow = "hidden";
      const room = fit.proposeDimensions();
      host.style.overflow = "";
      if (room === undefined || !(room.cols > 1) || !(room.rows > 0)) return undefined;
      return { columns: Math.min(room.cols, 1000), rows: Math.min(room.rows, 1000) };
    },
    letType(may) {
      terminal.options.disableStdin = !may;
      terminal.options.cursorBlink = may;
    },
    dress(next) {
      terminal.options.theme = next;
    },
    find: (text, back) => (back ? search.findPrevious(text) : search.findNext(text)),
    copy,
    focus: () => terminal.focus(),
    dispose: () => terminal.dispose(),
  };
}
