// Who is there. A name proves nothing, so the user stands beside it.

import { formatCount } from "../quantities.ts";
import type { ChannelsDesk } from "./desk.ts";

/** More than these are only counted. */
const MOST = 100;

export function HereCard(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  const { members, isFresh, isUntold } = desk.here.value;
  const line = desk.line.value;
  const me = line.kind === "open" ? line.client : undefined;
  const shown = [...members.values()].slice(0, MOST);
  return (
    <section class="card here-card" aria-labelledby="here-title" data-fresh={isFresh}>
      <div class="here-head">
        <h3 id="here-title">Here</h3>
        <p class="note" role="status" data-testid="channels-count">
          {isUntold
            ? "not told"
            : !isFresh
              ? "not known without a line"
              : formatCount(members.size)}
        </p>
      </div>
      {isUntold ? (
        <p class="note">Who is there is told where the namespace says “presence = true”.</p>
      ) : (
        <ul class="here-list" data-testid="channels-here">
          {shown.map((member) => (
            <li key={member.client} data-self={member.client === me}>
              <span class="lamp" data-state={isFresh ? "open" : "idle"} aria-hidden="true" />
              <span class="here-name">{member.name ?? <code>{member.client}</code>}</span>
              {member.client === me && <span class="tag">you</span>}
              {member.user !== undefined && <span class="here-user">{member.user}</span>}
            </li>
          ))}
          {members.size > MOST && <li>and {formatCount(members.size - MOST)} more</li>}
        </ul>
      )}
    </section>
  );
}
