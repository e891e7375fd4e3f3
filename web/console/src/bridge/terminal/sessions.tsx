// The sessions that run, and who watches them.

import { formatWhen, useList } from "../list.ts";
import type { Desk } from "./desk.ts";
import { type Listed, parseSessions } from "./wire.ts";

export function Sessions(props: { desk: Desk; path: string }) {
  const { desk } = props;
  const { items, problem } = useList(props.path, parseSessions);
  const current = desk.session.value?.id;
  return (
    <>
      <p class="shelf-deed">
        <button
          type="button"
          class="plain"
          data-testid="session-new"
          onClick={() => desk.join(undefined)}
        >
          New session
        </button>
      </p>
      {problem.value !== "" && <p class="problem">{problem.value}</p>}
      {items.value?.length === 0 && <p class="note">No program runs.</p>}
      <ul class="shelf-list" data-testid="sessions">
        {items.value?.map((session) => (
          <li key={session.id}>
            <button
              type="button"
              class="device"
              aria-pressed={session.id === current}
              onClick={() => desk.join(session.id)}
            >
              <span
                class="lamp"
                data-state={session.watching > 0 ? "open" : "closed"}
                aria-hidden="true"
              />
              <span class="device-id">{session.command}</span>
              <span class="device-facts">{factsOf(session)}</span>
              <span class="device-facts">{watchersOf(session)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function factsOf(session: Listed): string {
  const since = `since ${formatWhen(session.since)}`;
  return [since, session.size, session.recorded ? "recorded" : ""]
    .filter((it) => it !== "")
    .join(", ");
}

function watchersOf(session: Listed): string {
  if (session.watching === 0) return "nobody watches";
  const others = session.watching - session.viewers.length;
  const names = others > 0 ? [...session.viewers, `${others} more`] : session.viewers;
  return `watched by ${names.join(", ")}`;
}
