// The operator's page: the devices, their inboxes, and a message to one of them; and the metrics.

import { signal } from "@preact/signals";
import { Masthead } from "../parts/masthead.tsx";
import { createDesk, type Desk } from "./desk.ts";
import { DeviceCard } from "./device_card.tsx";
import { DeviceList } from "./device_list.tsx";
import { KeyForm } from "./key_form.tsx";
import { createMeter } from "./metrics/meter.ts";
import { Metrics } from "./metrics/metrics.tsx";

const VIEWS = ["devices", "metrics"] as const;

const desk = createDesk();
const meter = createMeter(desk.metrics);
const view = signal<(typeof VIEWS)[number]>("devices");

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
        {VIEWS.map((name) => (
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
            <span>{name === "devices" ? "Devices" : "Metrics"}</span>
          </label>
        ))}
      </fieldset>
      {view.value === "devices" ? <Devices desk={desk} /> : <Metrics meter={meter} />}
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
