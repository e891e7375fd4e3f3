// The panel of a terminal: its screen, who watches, and the tools beside it.

import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { CopyButton } from "../copy_button.tsx";
import type { Bridge } from "../entrance.ts";
import { LineState } from "../line_state.tsx";
import type { Cast } from "./cast.ts";
import type { Desk } from "./desk.ts";
import { usePalette } from "./palette.ts";
import { Player } from "./player.tsx";
import { createScreen, type Screen } from "./screen.ts";
import { Search } from "./search.tsx";
import { Shelf } from "./shelf.tsx";

export function TerminalPanel(props: { desk: Desk; bridge: Bridge }) {
  const { desk, bridge } = props;
  const host = useRef<HTMLDivElement>(null);
  const bar = useRef<HTMLDivElement>(null);
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
      leave: () => bar.current?.querySelector<HTMLElement>(".search input, .tools button")?.focus(),
    });
    screen.current = made;
    desk.show(made);
    made.focus();
    // Not the screen itself, which becomes smaller by its own scroll bars.
    const observer = new ResizeObserver(desk.fitted);
    if (element.parentElement !== null) observer.observe(element.parentElement);
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
        <div class="bridge-bar" ref={bar}>
          <LineState line={desk.line} isOver={isOver(desk)} />
          <p class="bridge-title" data-testid="terminal-title">
            {desk.title.value || session?.command}
          </p>
          <Viewers desk={desk} />
          {isSearching.value && (
            <Search
              find={(text, back) => screen.current?.find(text, back) ?? false}
              close={() => {
                isSearching.value = false;
                screen.current?.focus();
              }}
            />
          )}
          <div class="tools">
            <Toggle testId="terminal-search" isOn={isSearching} label="Search" />
            <CopyButton
              testId="terminal-copy"
              copy={async () => (await screen.current?.copy()) ?? false}
            />
            <Toggle testId="terminal-sessions" isOn={hasShelf} label="Sessions" />
            {session?.mayType && <EndButton desk={desk} />}
          </div>
        </div>
        <Over desk={desk} />
        {playing.value !== undefined && (
          <Player
            {...playing.value}
            close={() => {
              playing.value = undefined;
            }}
          />
        )}
        <div class="screen-place" hidden={playing.value !== undefined}>
          <div class="screen" data-testid="screen" ref={host} />
          <p class="off-screen">Ctrl-Shift-L leads from the screen to the buttons.</p>
        </div>
      </section>
      {hasShelf.value && (
        <Shelf
          desk={desk}
          bridge={bridge}
          playing={playing.value?.name}
          play={(name, cast) => {
            playing.value = { name, cast };
          }}
        />
      )}
    </div>
  );
}

/** A button that switches something on and off. */
function Toggle(props: { isOn: Signal<boolean>; label: string; testId: string }) {
  const { isOn, label, testId } = props;
  return (
    <button
      type="button"
      class="quiet"
      data-testid={testId}
      aria-pressed={isOn.value}
      onClick={() => {
        isOn.value = !isOn.value;
      }}
    >
      {label}
    </button>
  );
}

/** The close code of a session that is not there. */
const NO_SESSION = 4404;

/** Whether the session has ended, or was not there. */
function isOver(desk: Desk): boolean {
  const state = desk.line.state.value;
  const isMissing = state.kind === "ended" && state.code === NO_SESSION;
  return desk.ended.value !== undefined || isMissing;
}

/** What happened to a session that is over, and the way to another. */
function Over(props: { desk: Desk }) {
  const { desk } = props;
  if (!isOver(desk)) return null;
  const how = desk.ended.value;
  return (
    <p class="note" role="status" data-testid="terminal-ended">
      {how === undefined ? "This session is over." : `The program ${how}.`}{" "}
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
      {viewers.count > 1 && (
        <span class="badge" data-testid="viewers" title={viewers.names.join(", ")}>
          {viewers.count} watch
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
