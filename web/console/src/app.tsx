// The whole page: the masthead, the tabs, and the demos that were shown so far.

import { computed } from "@preact/signals";
import type { ComponentType } from "preact";
import { findServer, type Server } from "./address.ts";
import { Chat, createChat } from "./demos/chat.tsx";
import { Counter, createCounter } from "./demos/counter.tsx";
import { createEcho, Echo } from "./demos/echo.tsx";
import { createRoom, Room } from "./demos/room.tsx";
import { createRpc, Rpc } from "./demos/rpc.tsx";
import { Tabs } from "./parts/tabs.tsx";
import { ThemeButton } from "./parts/theme_button.tsx";
import { DEMOS, type DemoName, shownDemo, visited } from "./selection.ts";

const server = findServer(location);

// The demos outlive their panels: what was heard stays when another tab is looked at.
const echo = createEcho(`${server.base}/echo`);
const counter = createCounter(`${server.base}/counter`);
const chat = createChat(`${server.base}/chat`);
const room = createRoom(`${server.base}/room`);
const rpc = createRpc(server.base);

const states = {
  echo: echo.line.state,
  counter: counter.line.state,
  chat: chat.line.state,
  room: room.line.state,
  rpc: computed(() => rpc.line.value.state.value),
};

const pages: Readonly<Record<DemoName, ComponentType>> = {
  echo: () => <Echo demo={echo} />,
  counter: () => <Counter demo={counter} />,
  chat: () => <Chat demo={chat} />,
  room: () => <Room demo={room} />,
  rpc: () => <Rpc demo={rpc} />,
};

export function App() {
  return (
    <>
      <Masthead server={server} />
      <Tabs states={states} />
      <main>
        {DEMOS.map((name) => (
          <Panel key={name} name={name} />
        ))}
      </main>
    </>
  );
}

function Masthead(props: { server: Server }) {
  const { base, chosen } = props.server;
  return (
    <header class="masthead">
      <h1 class="wordmark">
        <svg class="mark" viewBox="0 0 34 12" aria-hidden="true">
          <path d="M6 6h22" />
          <circle class="here" cx="6" cy="6" r="5" />
          <circle class="there" cx="28" cy="6" r="5" />
        </svg>
        Tieline
      </h1>
      <p class="server" title={`Chosen ${chosen}`}>
        <span class="off-screen">Server: </span>
        {base}
      </p>
      <ThemeButton />
    </header>
  );
}

function Panel(props: { name: DemoName }) {
  const { name } = props;
  const Page = pages[name];
  return (
    <div
      role="tabpanel"
      id={`panel-${name}`}
      aria-labelledby={`tab-${name}`}
      hidden={shownDemo.value !== name}
    >
      {visited.value.has(name) && <Page />}
    </div>
  );
}
