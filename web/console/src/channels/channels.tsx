// The view of channels: the line, what is published, who is there, and which channel it is.

import { useEffect } from "preact/hooks";
import type { ChannelsDesk } from "./desk.ts";
import { HereCard } from "./here_card.tsx";
import { LinePanel } from "./line_panel.tsx";
import { Publications } from "./publications.tsx";
import { WantedForm } from "./wanted_form.tsx";

export function Channels(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  // As the demos: the line goes up when the view is shown for the first time.
  useEffect(() => desk.start(), [desk]);
  return (
    <div class="stage channels">
      <div class="stage-demo channels-line">
        <div class="stage-title">
          <h2>Channels</h2>
          <p>
            What is published comes once and in order. Whoever was away is given what was missed, or
            told that it is gone.
          </p>
        </div>
        <LinePanel desk={desk} />
      </div>
      <Publications desk={desk} />
      <div class="stage-demo channels-side">
        <WantedForm desk={desk} />
        <HereCard desk={desk} />
      </div>
    </div>
  );
}
