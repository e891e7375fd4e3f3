// The room: the server gives an id first, and sends what is said as HTML.

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Piece, parseFragment } from "../fragment.ts";
import { createLine, type Line } from "../line.ts";
import { createLog, type Log } from "../log.ts";
import { FragmentView } from "../parts/fragment_view.tsx";
import { LogView } from "../parts/log_view.tsx";
import { SayForm } from "../parts/say_form.tsx";
import { Stage } from "../parts/stage.tsx";
import { formatRoomMessage } from "../wire.ts";

/** The room's line, the id it gave, and what was heard on it. */
export interface RoomDemo {
  readonly line: Line;
  readonly uid: ReadonlySignal<string | undefined>;
  readonly heard: Log<readonly Piece[]>;
  say(message: string): boolean;
}

export function createRoom(url: string): RoomDemo {
  const uid = signal<string | undefined>(undefined);
  const heard = createLog<readonly Piece[]>();
  const line = createLine(url, {
    message(payload) {
      if (typeof payload !== "string") return;
      // The first message of each connection is the id; all that follow are fragments.
      if (uid.value === undefined) uid.value = payload;
      else heard.add(parseFragment(payload));
    },
    closed() {
      uid.value = undefined;
    },
  });
  return {
    line,
    uid,
    heard,
    say: (message) => uid.value !== undefined && line.send(formatRoomMessage(uid.value, message)),
  };
}

export function Room(props: { demo: RoomDemo }) {
  const { line, uid, heard, say } = props.demo;
  return (
    <Stage
      name="room"
      title="Room"
      lead="The server gives you an id, and sends what is said as HTML made to be shown."
      line={line}
    >
      <section class="card talk" aria-label="Room">
        <p class="uid">
          Your id <code data-testid="room-uid">{uid.value ?? "–"}</code>
        </p>
        <LogView
          label="What was said"
          testId="room-log"
          empty="Nobody has said anything yet."
          entries={heard.entries}
        >
          {(pieces) => <FragmentView pieces={pieces} />}
        </LogView>
        <SayForm name="room" label="Say something" line={line} say={say} />
        <p class="note">
          The page does not trust the HTML: it rebuilds it from a short list of elements.
        </p>
      </section>
    </Stage>
  );
}
