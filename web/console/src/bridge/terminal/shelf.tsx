// The sessions that run, with who watches them, and the recordings there are.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Cast, parseCast } from "./cast.ts";
import type { Desk } from "./desk.ts";
import { type Listed, parseRecordings, parseSessions } from "./wire.ts";

const REFRESH_MS = 3000;

export function Shelf(props: {
  desk: Desk;
  route: string;
  play: (name: string, cast: Cast) => void;
}) {
  const { desk, route } = props;
  const sessions = useSignal<readonly Listed[]>([]);
  const recordings = useSignal<readonly string[]>([]);
  const problem = useSignal("");

  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function refresh() {
      try {
        const [running, kept] = await Promise.all([
          ask(`${route}/sessions`),
          ask(`${route}/recordings`),
        ]);
        sessions.value = parseSessions(running);
        recordings.value = parseRecordings(kept);
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
  }, [route, sessions, recordings, problem]);

  async function open(name: string) {
    try {
      const cast = parseCast(await ask(`${route}/recordings/${encodeURIComponent(name)}`));
      if (cast === undefined) problem.value = `${name} is no recording`;
      else props.play(name, cast);
    } catch (error) {
      problem.value = String(error instanceof Error ? error.message : error);
    }
  }

  const current = desk.session.value?.id;
  return (
    <aside class="card shelf" aria-label="Sessions">
      <div class="shelf-head">
        <h2>Sessions</h2>
        <button
          type="button"
          class="plain"
          data-testid="session-new"
          onClick={() => desk.join(undefined)}
        >
          New
        </button>
      </div>
      {problem.value !== "" && <p class="problem">{problem.value}</p>}
      {sessions.value.length === 0 && <p class="note">No program runs.</p>}
      <ul class="shelf-list" data-testid="sessions">
        {sessions.value.map((session) => (
          <li key={session.id}>
            <button
              type="button"
              class="device"
              aria-pressed={session.id === current}
              onClick={() => desk.join(session.id)}
            >
              <span
                class="lamp"
                data-state={session.viewers.length > 0 ? "open" : "closed"}
                aria-hidden="true"
              />
              <span class="device-id">{session.command}</span>
              <span class="device-facts">{factsOf(session)}</span>
            </button>
          </li>
        ))}
      </ul>
      {recordings.value.length > 0 && (
        <>
          <h2>Recordings</h2>
          <ul class="shelf-list" data-testid="recordings">
            {recordings.value.map((name) => (
              <li key={name}>
                <button type="button" class="device" onClick={() => open(name)}>
                  <span class="lamp" aria-hidden="true" />
                  <span class="device-id">{name}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </aside>
  );
}

function factsOf(session: Listed): string {
  const watched = session.viewers.length === 0 ? "nobody watches" : session.viewers.join(", ");
  return [session.size, watched, session.recorded ? "recorded" : ""]
    .filter((it) => it !== "")
    .join(", ");
}

async function ask(path: string): Promise<string> {
  const answer = await fetch(path, { cache: "no-store" });
  // Where nothing is recorded there is no list.
  if (answer.status === 404) return "[]";
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).trim()}`);
  return answer.text();
}
