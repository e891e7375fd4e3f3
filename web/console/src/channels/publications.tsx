// What is published in the channel, with its places in the log, and what is missing between them.

import { useLayoutEffect, useRef } from "preact/hooks";
import { useFollow } from "../parts/follow.ts";
import { formatCount, formatTime } from "../quantities.ts";
import { reasonOf } from "./advice.ts";
import { showData } from "./data.ts";
import type { ChannelsDesk } from "./desk.ts";
import type { Entry } from "./heard.ts";
import { PublishForm } from "./publish_form.tsx";

type Of<Kind extends Entry["kind"]> = Extract<Entry, { kind: Kind }>;

export function Publications(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  const position = desk.position.value;
  return (
    <section class="card channels-feed" aria-labelledby="feed-title">
      <div class="feed-head">
        <h3 id="feed-title" data-testid="feed-title">
          {desk.wanted.value.channel}
        </h3>
        <p class="note" data-testid="channels-position">
          {position ? (
            <>
              position <b>{formatCount(position.offset)}</b> in epoch <code>{position.epoch}</code>
            </>
          ) : (
            "no position yet"
          )}
        </p>
      </div>
      <FeedList desk={desk} />
      <PublishForm desk={desk} />
    </section>
  );
}

function FeedList(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  const list = useRef<HTMLDivElement>(null);
  const { entries } = desk.heard.value;
  useStay(list, entries[0]?.id);
  const follow = useFollow(list, entries);
  return (
    <div
      ref={list}
      class="log feed"
      role="log"
      aria-label="What was published"
      data-testid="channels-log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
      tabIndex={0}
      onScroll={follow.onScroll}
    >
      {desk.hasEarlier.value && (
        <button
          type="button"
          class="quiet"
          data-testid="channels-earlier"
          onClick={() => desk.earlier()}
        >
          Earlier
        </button>
      )}
      {entries.length === 0 && <p class="log-empty">Nothing has been published yet.</p>}
      {entries.map((entry) => (
        <FeedEntry key={entry.id} entry={entry} desk={desk} />
      ))}
    </div>
  );
}

function FeedEntry(props: { entry: Entry; desk: ChannelsDesk }) {
  const { entry, desk } = props;
  switch (entry.kind) {
    case "publication":
      return <Said entry={entry} />;
    case "gap":
      return <Missing entry={entry} askFor={desk.askFor} />;
    case "news":
      return (
        <div class="feed-news">
          <span class="event">{entry.text}</span>
          <time dateTime={entry.at.toISOString()}>{formatTime(entry.at)}</time>
        </div>
      );
  }
}

function Said(props: { entry: Of<"publication"> }) {
  const { publication, arrival, at } = props.entry;
  const { text, isJson } = showData(publication.data);
  return (
    <div class="feed-said" data-arrival={arrival} data-offset={publication.offset}>
      <span class="feed-offset">
        <span class="off-screen">offset </span>
        {publication.offset}
      </span>
      <div class="log-what">
        {publication.from !== undefined && <b class="speaker">{publication.from}:</b>}
        {isJson ? <code>{text}</code> : text}
      </div>
      <span class="feed-when">
        {arrival === "missed" && <span class="tag">missed</span>}
        {arrival === "history" ? (
          "earlier"
        ) : (
          <time dateTime={at.toISOString()}>{formatTime(at)}</time>
        )}
      </span>
    </div>
  );
}

function Missing(props: { entry: Of<"gap">; askFor: (id: number) => void }) {
  const { id, missing, reason, isThere } = props.entry;
  return (
    <div class="feed-gap" data-testid="channels-gap">
      <p>
        {missing === undefined
          ? "Some are missing"
          : missing.first === missing.last
            ? `${missing.first} is missing`
            : `${missing.first} to ${missing.last} are missing`}
        : {reasonOf(reason)}.
      </p>
      {isThere && missing !== undefined && (
        <button type="button" class="quiet" onClick={() => props.askFor(id)}>
          Ask for what is kept
        </button>
      )}
    </div>
  );
}

/** Keeps what is looked at in its place when something is put in front of it. */
function useStay(list: { readonly current: HTMLElement | null }, firstId: number | undefined) {
  const before = useRef({ firstId, height: 0 });
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    const { firstId: last, height } = before.current;
    const grown = element.scrollHeight - height;
    // At its very top a browser does not keep it by itself.
    if (last !== undefined && firstId !== last && grown > 0 && element.scrollTop < 1) {
      element.scrollTop = grown;
    }
    before.current = { firstId, height: element.scrollHeight };
  });
}
