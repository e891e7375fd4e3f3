// The channels that somebody hears, and who is in one of them.

import { useEffect } from "preact/hooks";
import { formatCount } from "../../quantities.ts";
import type { ChannelInfo, Member } from "../api.ts";
import type { Watch } from "./watch.ts";

/** More members than these are only counted. */
const MOST = 500;

export function Channels(props: { watch: Watch }) {
  const { watch } = props;
  useEffect(() => watch.start(), [watch]);
  return (
    <div class="desk">
      <ChannelList watch={watch} />
      <Members watch={watch} />
    </div>
  );
}

function ChannelList(props: { watch: Watch }) {
  const { watch } = props;
  const channels = watch.channels.value;
  return (
    <section class="card devices" aria-label="Channels">
      <div class="devices-head">
        <h2>Channels</h2>
        <p class="note" aria-live="polite" data-testid="channels-heard">
          {channels && `${formatCount(channels.length)}${watch.hasMore.value ? "+" : ""} heard`}
        </p>
      </div>
      {watch.problem.value !== "" && <p class="problem">{watch.problem.value}</p>}
      {channels?.length === 0 && <p class="note">Nobody hears any channel now.</p>}
      <ul class="device-list" data-testid="channels-list">
        {channels?.map((info) => (
          <Row
            key={info.channel}
            info={info}
            isChosen={watch.chosen.value === info.channel}
            choose={watch.choose}
          />
        ))}
      </ul>
      {watch.hasMore.value && (
        <button type="button" class="plain" onClick={watch.more}>
          More
        </button>
      )}
    </section>
  );
}

function Row(props: { info: ChannelInfo; isChosen: boolean; choose: (channel: string) => void }) {
  const { channel, subscribers } = props.info;
  return (
    <li>
      <button
        type="button"
        class="device"
        data-testid={`channel-${channel}`}
        aria-pressed={props.isChosen}
        onClick={() => props.choose(channel)}
      >
        <span class="lamp" data-state="open" aria-hidden="true" />
        <span class="device-id">{channel}</span>
        <span class="device-facts">
          {formatCount(subscribers)} {subscribers === 1 ? "line" : "lines"}
        </span>
      </button>
    </li>
  );
}

function Members(props: { watch: Watch }) {
  const { watch } = props;
  const chosen = watch.chosen.value;
  if (chosen === undefined) return <p class="card note">Choose a channel to see who is there.</p>;
  const members = watch.members.value;
  return (
    <section class="card talk" aria-label="Who is there">
      <h3 class="device-name" data-testid="channel-name">
        {chosen}
      </h3>
      <p class="note" role="status" data-testid="channel-count">
        {members === null ? "not told" : members && `${formatCount(members.length)} there`}
      </p>
      {members === null && (
        <p class="note">Who is there is told where the namespace says “presence = true”.</p>
      )}
      <ul class="here-list" data-testid="channel-members">
        {members?.slice(0, MOST).map((member) => (
          <li key={member.client}>
            <span class="lamp" data-state="open" aria-hidden="true" />
            <span class="here-name">{nameOf(member)}</span>
            {member.user !== null && <span class="here-user">{member.user}</span>}
          </li>
        ))}
        {members && members.length > MOST && <li>and {formatCount(members.length - MOST)} more</li>}
      </ul>
    </section>
  );
}

function nameOf({ name, client }: Member) {
  return name ?? <code>{client}</code>;
}
