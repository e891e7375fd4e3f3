// The page of a bridge: let in by the ticket, it shows the panel of what stands behind it.

import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Masthead } from "../parts/masthead.tsx";
import { CommandPanel } from "./command/command.tsx";
import { createCommandDesk } from "./command/desk.ts";
import { type Bridge as Behind, type Entered, enter, mayEnter } from "./entrance.ts";
import type { LastingLine } from "./lasting_line.ts";
import { createShellDesk, ShellPanel } from "./shell/shell.tsx";
import { createTailDesk } from "./tail/desk.ts";
import { TailPanel } from "./tail/tail.tsx";
import { createDesk } from "./terminal/desk.ts";
import { TerminalPanel } from "./terminal/terminal.tsx";

const entered = signal<Entered | undefined>(undefined);
const panel = signal<ComponentChildren>(undefined);

/** Goes in. */
export async function open(): Promise<void> {
  const how = await enter(location, (address) => history.replaceState(null, "", address));
  if (how.kind === "in") panel.value = panelOf(how.bridge);
  entered.value = how;
}

export function Bridge() {
  const how = entered.value;
  return (
    <div class="bridge">
      <Masthead
        place={how?.kind === "in" ? `${location.host}, ${how.bridge.kind}` : location.host}
      />
      <main>
        {how?.kind === "in" && panel.value}
        {how !== undefined && how.kind !== "in" && <Refused how={how} />}
      </main>
    </div>
  );
}

function Refused(props: { how: Exclude<Entered, { kind: "in" }> }) {
  const { how } = props;
  return (
    <section class="card refused" aria-label="Not let in" data-testid="refused">
      <h2>{how.kind === "no ticket" ? "This needs the server's ticket" : "It did not work"}</h2>
      <p>{how.why}</p>
      {how.kind === "no ticket" && (
        <p class="note">
          The address is good once, for one browser. A reload works after that, as long as the
          server runs and the time of the ticket is not over.
        </p>
      )}
    </section>
  );
}

function panelOf(bridge: Behind): ComponentChildren {
  switch (bridge.kind) {
    case "command": {
      const desk = createCommandDesk(bridge);
      begin(desk.line, bridge);
      desk.line.connect();
      return <CommandPanel desk={desk} isTagged={bridge.tagged} takesInput={bridge.takesInput} />;
    }
    case "shell": {
      const desk = createShellDesk(bridge);
      begin(desk.line, bridge);
      desk.line.connect();
      return <ShellPanel desk={desk} />;
    }
    case "tail": {
      const desk = createTailDesk(bridge);
      begin(desk.line, bridge);
      desk.line.connect();
      return <TailPanel desk={desk} />;
    }
    case "terminal": {
      const named = new URLSearchParams(location.search).get("session") ?? undefined;
      const desk = createDesk(bridge, named, (session) => {
        const search = session === undefined ? "" : `?session=${encodeURIComponent(session)}`;
        history.replaceState(null, "", location.pathname + search);
      });
      begin(desk.line, bridge);
      return <TerminalPanel desk={desk} bridge={bridge} />;
    }
  }
}

/** Browsers do not tell why a line was refused: where it was for the ticket, the page says so. */
function begin(line: LastingLine, bridge: Behind) {
  effect(() => {
    const state = line.state.value;
    if (state.kind !== "ended" || (state.wasOpen && state.code !== 4401)) return;
    void mayEnter(bridge)
      .catch(() => true)
      .then((may) => {
        const why = "The time of the ticket is over. Start the server again.";
        if (!may) entered.value = { kind: "no ticket", why };
      });
  });
}
