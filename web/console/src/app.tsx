// The public page: the masthead, the tabs, and the demos that were shown so far.

import { computed } from "@preact/signals";
import type { ComponentType } from "preact";
import { findServer } from "./address.ts";
import { Channels } from "./channels/channels.tsx";
import { createChannels } from "./channels/desk.ts";
import { Chat, createChat } from "./demos/chat.tsx";
import { Counter, createCounter } from "./demos/counter.tsx";
import { createEcho, Echo } from "./demos/echo.tsx";
import { createRoom, Room } from "./demos/room.tsx";
import { createRpc, Rpc } from "./demos/rpc.tsx";
import { Masthead } from "./parts/masthead.tsx";
import { Tabs } from "./parts/tabs.tsx";
import { DEMOS, type DemoName, shownDemo, visited } from "./selection.ts";

const server = findServer(location);

// The demos outlive their panels: what was heard stays when another tab is looked at.
const echo = createEcho(`${server.base}/echo`);
const counter = createCounter(`${server.base}/counter`);
const chat = createChat(`${server.base}/chat`);
const room = createRoom(`${server.base}/room`);
const rpc = createRpc(server.base);
const channels = createChannels(server.base);

const states = {
  echo: echo.line.state,
  counter: counter.line.state,
  chat: chat.line.state,
  room: room.line.state,
  rpc: computed(() => rpc.line.value.state.value),
  channels: channels.line,
};

const pages: Readonly<Record<DemoName, ComponentType>> = {
  echo: () => <Echo demo={echo} />,
  counter: () => <Counter demo={counter} />,
  chat: () => <Chat demo={chat} />,
  room: () => <Room demo={room} />,
  rpc: () => <Rpc demo={rpc} />,
  channels: () => <Channels desk={channels} />,
};

export function App() {
  return (
    <>
      <Masthead place={server.base} title={`Chosen ${server.chosen}`} />
      <Tabs states={states} />
      <main>
        {DEMOS.map((name) => (
          <Panel key={name} name={name} />
        ))}
      </main>
    </>
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
