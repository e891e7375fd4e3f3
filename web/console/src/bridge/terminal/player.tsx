// Plays a recording on a screen of its own.

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Cast, placeAt } from "./cast.ts";
import { usePalette } from "./palette.ts";
import { createScreen, type Screen } from "./screen.ts";

const SPEEDS = [1, 2, 4] as const;

/** How often the screen is brought up to the time, in milliseconds. */
const TICK_MS = 40;

export function Player(props: { cast: Cast; name: string; close: () => void }) {
  const { cast } = props;
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | undefined>(undefined);
  const palette = usePalette();
  const now = useSignal(0);
  const isPlaying = useSignal(true);
  const speed = useSignal<number>(1);
  /** The next event. */
  const place = useRef(0);
  const hasEnded = useComputed(() => now.value >= cast.length);

  useEffect(() => {
    if (host.current === null) return;
    const made = createScreen(host.current, palette.peek(), {});
    made.resize(cast);
    screen.current = made;
    place.current = 0;
    now.value = 0;
    return () => {
      screen.current = undefined;
      made.dispose();
    };
  }, [cast, palette, now]);

  useSignalEffect(() => {
    screen.current?.dress(palette.value);
  });

  useEffect(() => {
    let last = performance.now();
    const timer = setInterval(() => {
      const at = performance.now();
      const passed = ((at - last) / 1000) * speed.peek();
      last = at;
      if (isPlaying.peek() && now.peek() < cast.length)
        playTo(Math.min(cast.length, now.peek() + passed));
    }, TICK_MS);
    return () => clearInterval(timer);
  });

  function playTo(seconds: number) {
    const on = screen.current;
    if (on === undefined) return;
    // Backwards there is only the beginning.
    if (seconds < now.peek()) {
      on.reset();
      on.resize(cast);
      place.current = 0;
    }
    const end = placeAt(cast, seconds);
    let text = "";
    for (; place.current < end; place.current += 1) {
      const what = cast.events[place.current]?.what;
      if (what === undefined) continue;
      if ("output" in what) {
        text += what.output;
      } else {
        on.write(text);
        text = "";
        on.resize(what);
      }
    }
    on.write(text);
    now.value = seconds;
  }

  return (
    <section class="player" aria-label={`Recording ${props.name}`} data-testid="player">
      <div class="player-bar">
        <button
          type="button"
          class="primary"
          data-testid="player-play"
          onClick={() => {
            if (hasEnded.value) playTo(0);
            isPlaying.value = hasEnded.peek() || !isPlaying.value;
          }}
        >
          {isPlaying.value && !hasEnded.value ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          class="player-time"
          aria-label="Time"
          min={0}
          max={Math.max(cast.length, 0.1)}
          step="any"
          aria-valuetext={clock(now.value)}
          value={now.value}
          onInput={(event) => playTo(Number(event.currentTarget.value))}
        />
        <output class="player-clock">
          {clock(now.value)} / {clock(cast.length)}
        </output>
        <fieldset class="choice">
          <legend class="off-screen">Speed</legend>
          {SPEEDS.map((times) => (
            <label key={times}>
              <input
                type="radio"
                name="speed"
                checked={speed.value === times}
                onChange={() => {
                  speed.value = times;
                }}
              />
              <span>{times}×</span>
            </label>
          ))}
        </fieldset>
        <button type="button" class="quiet" data-testid="player-close" onClick={props.close}>
          Close
        </button>
      </div>
      <div class="screen" ref={host} />
    </section>
  );
}

function clock(seconds: number): string {
  const tenths = Math.floor(seconds * 10);
  const whole = String(Math.floor(tenths / 10) % 60).padStart(2, "0");
  return `${Math.floor(tenths / 600)}:${whole}.${tenths % 10}`;
}
