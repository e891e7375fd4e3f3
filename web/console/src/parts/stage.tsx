// The frame of every demo: what it is, its line, its controls, and what goes over the line.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Line } from "../line.ts";
import type { DemoName } from "../selection.ts";
import { FramesPanel } from "./frames_panel.tsx";
import { LineCard } from "./line_card.tsx";

export function Stage(props: {
  name: DemoName;
  title: string;
  lead: string;
  line: Line;
  children: ComponentChildren;
}) {
  const { name, line } = props;
  // A panel is made when its tab is shown for the first time; that is when its line goes up.
  useEffect(() => line.connect(), [line]);
  return (
    <div class="stage">
      <div class="stage-demo">
        <div class="stage-title">
          <h2>{props.title}</h2>
          <p>{props.lead}</p>
        </div>
        <LineCard name={name} line={line} />
        {props.children}
      </div>
      <FramesPanel name={name} journal={line.journal} />
    </div>
  );
}
