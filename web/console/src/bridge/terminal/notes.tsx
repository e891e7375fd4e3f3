// What was noted of the sessions: who opened, joined, typed and left, the newest first.

import { formatCount } from "../../quantities.ts";
import { formatWhen, useList } from "../list.ts";
import { type Note, parseNotes } from "./wire.ts";

/** Notes that are shown at once. */
const MAX_SHOWN = 500;

export function Notes(props: { path: string }) {
  const { items, problem } = useList(props.path, parseNotes);
  const older = (items.value?.length ?? 0) - MAX_SHOWN;
  return (
    <>
      {problem.value !== "" && <p class="problem">{problem.value}</p>}
      {items.value?.length === 0 && <p class="note">Nothing was noted yet.</p>}
      <ol class="shelf-list notes" data-testid="audit">
        {items.value?.slice(0, MAX_SHOWN).map((note, index) => (
          <li key={index} class="noted" data-what={note.what}>
            <p class="noted-head">
              <time dateTime={isoOf(note.at)}>{formatWhen(note.at)}</time>{" "}
              <strong>{note.name}</strong> {wordsOf(note)}
            </p>
            {note.what === "typed" && <code class="noted-input">{note.more}</code>}
            <p class="device-facts">session {note.session}</p>
          </li>
        ))}
      </ol>
      {older > 0 && <p class="note">{formatCount(older)} older ones are not shown.</p>}
    </>
  );
}

function wordsOf(note: Note): string {
  switch (note.what) {
    case "opened":
      return `opened ${note.command}`;
    case "joined":
      return "came to watch";
    case "asked_to_end":
      return `asked for the end of ${note.command}`;
    case "ended":
      return `${note.command} ended: ${note.more}`;
    default:
      return note.what;
  }
}

function isoOf(at: Date): string {
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}
