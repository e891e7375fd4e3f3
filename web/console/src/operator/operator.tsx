// The operator's page: the devices, their inboxes, and a message to one of them; the channels;
// what goes over a line; and the metrics.

import { signal } from "@preact/signals";
import { createInspector } from "../inspector/desk.ts";
import { Inspector } from "../inspector/inspector.tsx";
import { Masthead } from "../parts/masthead.tsx";
import { Channels } from "./channels/channels.tsx";
import { createWatch } from "./channels/watch.ts";
import { createDesk, type Desk } from "./desk.ts";
import { DeviceCard } from "./device_card.tsx";
import { DeviceList } from "./device_list.tsx";
import { KeyForm } from "./key_form.tsx";
import { createMeter } from "./metrics/meter.ts";
import { Metrics } from "./metrics/metrics.tsx";

const VIEWS = {
  devices: "Devices",
  channels: "Channels",
  inspector: "Inspector",
  metrics: "Metrics",
} as const;
type View = keyof typeof VIEWS;

const desk = createDesk();
const watch = createWatch(desk);
const inspector = createInspector(desk);
const meter = createMeter(desk.metrics);
const view = signal<View>("devices");

export function Operator() {
  return (
    <>
      <Masthead place={`${location.host}, operator's side`} />
      <main>{desk.isOpen.value ? <Views /> : <KeyForm desk={desk} />}</main>
    </>
  );
}

function Views() {
  return (
    <>
      <fieldset class="choice views">
        <legend class="off-screen">View</legend>
        {(Object.keys(VIEWS) as View[]).map((name) => (
          <label key={name}>
            <input
              type="radio"
              name="view"
              data-testid={`view-${name}`}
              checked={view.value === name}
              onChange={() => {
                view.value = name;
              }}
            />
            <span>{VIEWS[name]}</span>
          </label>
        ))}
      </fieldset>
      {view.value === "devices" && <Devices desk={desk} />}
      {view.value === "channels" && <Channels watch={watch} />}
      {view.value === "inspector" && <Inspector desk={inspector} />}
      {view.value === "metrics" && <Metrics meter={meter} />}
    </>
  );
}

function Devices(props: { desk: Desk }) {
  const { desk } = props;
  return (
    <div class="desk">
      <DeviceList desk={desk} />
      <DeviceCard desk={desk} />
    </div>
  );
}
