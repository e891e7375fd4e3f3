// The panel of a terminal: its screen, who watches, and the tools beside it.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { LineState } from "../line_state.tsx";
import type { Cast } from "./cast.ts";
import type { Desk } from "./desk.ts";
import { usePalette } from "./palette.ts";
import { Player } from "./player.tsx";
import { createScreen, type Screen } from "./screen.ts";
import { Shelf } from "./shelf.tsx";

export function TerminalPanel(props: { desk: Desk; route: string }) {
  const { desk, route } = props;
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | undefined>(undefined);
  const palette = usePalette();
  const isSearching = useSignal(false);
  const hasShelf = useSignal(false);
  const playing = useSignal<{ name: string; cast: Cast } | undefined>(undefined);
  const session = desk.session.value;

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = createScreen(element, palette.peek(), {
      typed: desk.typed,
      titled: desk.titled,
      search() {
        isSearching.value = true;
      },
    });
    screen.current = made;
    desk.show(made);
    made.focus();
    const observer = new ResizeObserver(desk.fitted);
    observer.observe(element);
    return () => {
      observer.disconnect();
      screen.current = undefined;
      made.dispose();
    };
  }, [desk, palette, isSearching]);

  useSignalEffect(() => {
    screen.current?.dress(palette.value);
  });

  return (
    <div class="bridge-work" data-shelf={hasShelf.value}>
      <section class="card bridge-card" aria-label="Terminal">
        <div class="bridge-bar">
          <LineState line={desk.line} />
          <p class="bridge-title" data-testid="terminal-title">
            {desk.title.value || session?.command}
          </p>
          <Viewers desk={desk} />
          <div class="tools">
            <button
              type="button"
              class="quiet"
              data-testid="terminal-search"
              aria-pressed={isSearching.value}
              onClick={() => {
                isSearching.value = !isSearching.value;
              }}
            >
              Search
            </button>
            <button
              type="button"
              class="quiet"
              data-testid="terminal-copy"
              onClick={() => screen.current?.copy()}
            >
              Copy
            </button>
            <button
              type="button"
              class="quiet"
              data-testid="terminal-sessions"
              aria-pressed={hasShelf.value}
              onClick={() => {
                hasShelf.value = !hasShelf.value;
              }}
            >
              Sessions
            </button>
            {session?.mayType && <EndButton desk={desk} />}
          </div>
        </div>
        {isSearching.value && (
          <SearchForm
            find={(text, back) => screen.current?.find(text, back) ?? false}
            close={() => {
              isSearching.value = false;
              screen.current?.focus();
            }}
          />
        )}
        <Over desk={desk} />
        {playing.value !== undefined && (
          <Player
            {...playing.value}
            close={() => {
              playing.value = undefined;
            }}
          />
        )}
        <div
          class={session?.mayType === false ? "screen is-fixed" : "screen"}
          data-testid="screen"
          hidden={playing.value !== undefined}
          ref={host}
        />
      </section>
      {hasShelf.value && (
        <Shelf
          desk={desk}
          route={route}
          play={(name, cast) => {
            playing.value = { name, cast };
          }}
        />
      )}
    </div>
  );
}

/** The close code of a session that is not there. */
const NO_SESSION = 4404;

/** What happened to a session that is over, and the way to another. */
function Over(props: { desk: Desk }) {
  const { desk } = props;
  const state = desk.line.state.value;
  const isMissing = state.kind === "ended" && state.code === NO_SESSION;
  if (desk.ended.value === undefined && !isMissing) return null;
  return (
    <p class="note" role="status" data-testid="terminal-ended">
      {isMissing ? "This session is over." : `The program ${desk.ended.value}.`}{" "}
      <button type="button" class="plain" onClick={() => desk.join(undefined)}>
        Begin another
      </button>
    </p>
  );
}

function Viewers(props: { desk: Desk }) {
  const { desk } = props;
  const viewers = desk.viewers.value;
  const session = desk.session.value;
  return (
    <p class="badges">
      {session?.mayType === false && (
        <span class="badge" data-testid="read-only">
          read-only
        </span>
      )}
      {session?.recorded && <span class="badge is-warm">recorded</span>}
      {viewers.length > 1 && (
        <span class="badge" data-testid="viewers" title={viewers.join(", ")}>
          {viewers.length} watch
        </span>
      )}
    </p>
  );
}

/** Ends the program once it was asked twice. */
function EndButton(props: { desk: Desk }) {
  const { desk } = props;
  const isAsked = useSignal(false);
  if (desk.ended.value !== undefined) return null;
  return (
    <button
      type="button"
      class={isAsked.value ? "primary" : "quiet"}
      data-testid="terminal-end"
      onBlur={() => {
        isAsked.value = false;
      }}
      onClick={() => {
        if (isAsked.value) desk.end();
        isAsked.value = !isAsked.value;
      }}
    >
      {isAsked.value ? "End the program?" : "End"}
    </button>
  );
}

function SearchForm(props: { find: (text: string, back: boolean) => boolean; close: () => void }) {
  const text = useSignal("");
  const isMissing = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  function find(back: boolean) {
    isMissing.value = text.value !== "" && !props.find(text.value, back);
  }
  return (
    <form
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        find(true);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") props.close();
      }}
    >
      <input
        ref={field}
        type="text"
        aria-label="Search"
        data-testid="search-text"
        autocomplete="off"
        spellcheck={false}
        aria-invalid={isMissing.value}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="plain">
        Back
      </button>
      <button type="button" class="plain" onClick={() => find(false)}>
        Forth
      </button>
      <button type="button" class="quiet" onClick={props.close}>
        Close
      </button>
    </form>
  );
}
