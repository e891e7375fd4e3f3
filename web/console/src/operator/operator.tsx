// The operator's page: the devices, their inboxes, and a message to one of them.

import { Masthead } from "../parts/masthead.tsx";
import { createDesk, type Desk } from "./desk.ts";
import { DeviceCard } from "./device_card.tsx";
import { DeviceList } from "./device_list.tsx";
import { KeyForm } from "./key_form.tsx";

const desk = createDesk();

export function Operator() {
  return (
    <>
      <Masthead place={`${location.host}, operator's side`} />
      <main>{desk.isOpen.value ? <Devices desk={desk} /> : <KeyForm desk={desk} />}</main>
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
