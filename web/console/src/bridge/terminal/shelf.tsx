// What stands beside a terminal: the sessions that run, the recordings, and what was noted.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Bridge, pathBelow } from "../entrance.ts";
import type { Cast } from "./cast.ts";
import type { Desk } from "./desk.ts";
import { Notes } from "./notes.tsx";
import { Recordings } from "./recordings.tsx";
import { Sessions } from "./sessions.tsx";

type View = "audit" | "recordings" | "sessions";

const LABELS: Readonly<Record<View, string>> = {
  sessions: "Sessions",
  recordings: "Recordings",
  audit: "Audit",
};

export function Shelf(props: {
  desk: Desk;
  bridge: Bridge;
  playing: string | undefined;
  play: (name: string, cast: Cast) => void;
}) {
  const { desk, bridge } = props;
  const view = useSignal<View>("sessions");
  const offered: readonly View[] = [
    "sessions",
    ...(bridge.hasRecordings ? (["recordings"] as const) : []),
    ...(bridge.hasAudit ? (["audit"] as const) : []),
  ];
  const path = pathBelow(bridge.route, view.value);
  const shelf = useRef<HTMLElement>(null);
  // Behind the screen, from which Tab leads nowhere: who opened it by keyboard is to be in it.
  useEffect(() => shelf.current?.querySelector<HTMLElement>("input:checked, button")?.focus(), []);
  return (
    <aside ref={shelf} class="card shelf" aria-label={LABELS[view.value]}>
      {offered.length > 1 ? <Choice view={view} offered={offered} /> : <h2>Sessions</h2>}
      {view.value === "sessions" && <Sessions desk={desk} path={path} />}
      {view.value === "recordings" && (
        <Recordings path={path} current={props.playing} play={props.play} />
      )}
      {view.value === "audit" && <Notes path={path} />}
    </aside>
  );
}

function Choice(props: { view: Signal<View>; offered: readonly View[] }) {
  const { view } = props;
  return (
    <fieldset class="choice shelf-choice">
      <legend class="off-screen">Beside the terminal</legend>
      {props.offered.map((name) => (
        <label key={name} data-testid={`shelf-${name}`}>
          <input
            type="radio"
            name="shelf"
            checked={view.value === name}
            onChange={() => {
              view.value = name;
            }}
          />
          <span>{LABELS[name]}</span>
        </label>
      ))}
    </fieldset>
  );
}
