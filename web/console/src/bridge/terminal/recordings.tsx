// The recordings there are, each to be played.

import { useSignal } from "@preact/signals";
import { formatBytes } from "../../quantities.ts";
import { ask, formatWhen, useList } from "../list.ts";
import { type Cast, parseCast } from "./cast.ts";
import { parseRecordings } from "./wire.ts";

export function Recordings(props: {
  path: string;
  /** The one that plays. */
  current: string | undefined;
  play: (name: string, cast: Cast) => void;
}) {
  const { items, problem } = useList(props.path, parseRecordings);
  const unplayed = useSignal("");

  async function open(name: string) {
    try {
      const cast = parseCast(await ask(`${props.path}/${encodeURIComponent(name)}`));
      unplayed.value = cast === undefined ? `${name} is no recording` : "";
      if (cast !== undefined) props.play(name, cast);
    } catch (error) {
      unplayed.value = String(error instanceof Error ? error.message : error);
    }
  }

  const trouble = unplayed.value || problem.value;
  return (
    <>
      {trouble !== "" && <p class="problem">{trouble}</p>}
      {items.value?.length === 0 && <p class="note">Nothing was recorded yet.</p>}
      <ul class="shelf-list" data-testid="recordings">
        {items.value?.map(({ name, bytes, since }) => (
          <li key={name}>
            <button
              type="button"
              class="device"
              aria-pressed={name === props.current}
              onClick={() => open(name)}
            >
              <span class="lamp" aria-hidden="true" />
              <span class="device-id">{formatWhen(since) || name}</span>
              <span class="device-facts">
                {formatBytes(bytes)}, {name}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
