// The devices, by their ids; one of them is looked at.

import { formatBytes, formatCount } from "../quantities.ts";
import type { Device } from "./api.ts";
import type { Desk } from "./desk.ts";

export function DeviceList(props: { desk: Desk }) {
  const { desk } = props;
  const devices = desk.devices.value ?? [];
  return (
    <section class="card devices" aria-label="Devices">
      <div class="devices-head">
        <h2>Devices</h2>
        <p class="note" aria-live="polite" data-testid="devices-count">
          {formatCount(devices.filter((device) => device.online).length)} of{" "}
          {formatCount(devices.length)}
          {desk.hasMore.value && "+"} on line
        </p>
        <button type="button" class="quiet" onClick={desk.close}>
          Close
        </button>
      </div>
      {desk.problem.value !== "" && <p class="problem">{desk.problem.value}</p>}
      {devices.length === 0 ? (
        <p class="note">
          No device has come yet. A device comes over a route whose service is of the kind
          “gateway”.
        </p>
      ) : (
        <ul class="device-list" data-testid="devices">
          {devices.map((device) => (
            <Row
              key={device.id}
              device={device}
              isChosen={desk.chosen.value === device.id}
              choose={desk.choose}
            />
          ))}
        </ul>
      )}
      {desk.hasMore.value && (
        <button type="button" class="plain" onClick={desk.more}>
          More
        </button>
      )}
    </section>
  );
}

function Row(props: { device: Device; isChosen: boolean; choose: (id: string) => void }) {
  const { device } = props;
  const { messages, bytes } = device.waiting;
  return (
    <li>
      <button
        type="button"
        class="device"
        data-testid={`device-${device.id}`}
        aria-pressed={props.isChosen}
        onClick={() => props.choose(device.id)}
      >
        <span class="lamp" data-state={device.online ? "open" : "closed"} aria-hidden="true" />
        <span class="device-id">{device.id}</span>
        <span class="device-facts">
          {device.online ? "on line" : "away"}
          {!device.registered && ", not registered"}
          {messages > 0 && `, ${formatCount(messages)} waiting (${formatBytes(bytes)})`}
        </span>
      </button>
    </li>
  );
}
