// The state of the line, what carries it, and the switch that cuts it.

import { Fact } from "../parts/fact.tsx";
import { Wire } from "../parts/wire.tsx";
import { type CarrierChoice, type ChannelsDesk, type LineNow, nameOf } from "./desk.ts";
import { Trouble } from "./trouble.tsx";

const CHOICES: readonly (readonly [CarrierChoice, string])[] = [
  ["any", "By itself"],
  ["websocket", "WebSocket"],
  ["events", "Event stream"],
  ["poll", "Long poll"],
];

export function LinePanel(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  const line = desk.line.value;
  const isCut = desk.severable.isCut.value;
  return (
    <section class="card line" aria-label="Line" data-state={isCut ? "closed" : line.kind}>
      <div class="line-head">
        <Wire />
        <p
          class="line-state"
          role="status"
          data-testid="state-channels"
          data-state={isCut ? "closed" : line.kind}
        >
          {isCut && line.kind !== "closed" ? "cut" : describe(line, desk.isSubscribed.value)}
        </p>
        <CutSwitch desk={desk} isCut={isCut} />
      </div>
      <Trouble advice={desk.trouble.value} testId="channels-trouble" />
      {isCut && (
        <p class="note channels-cut">
          Nothing gets through. What you publish now waits; what others publish now is missed, until
          the line comes back.
        </p>
      )}
      <CarrierChoices desk={desk} />
      <dl class="facts">
        <Fact term="Address" value={desk.base + desk.wanted.value.path} />
        <div>
          <dt>Carrier</dt>
          <dd data-testid="channels-carrier">
            {line.kind === "open" ? nameOf(line.carrier) : "–"}
          </dd>
        </div>
        <Fact term="You" value={line.kind === "open" ? youOf(line) : undefined} />
      </dl>
    </section>
  );
}

function CutSwitch(props: { desk: ChannelsDesk; isCut: boolean }) {
  const { severable, line } = props.desk;
  return (
    <button
      type="button"
      class={props.isCut ? "primary" : "plain"}
      data-testid="channels-cut"
      disabled={line.value.kind === "closed" && !props.isCut}
      onClick={() => (props.isCut ? severable.restore() : severable.cut())}
    >
      {props.isCut ? "Let it come back" : "Cut the line"}
    </button>
  );
}

function CarrierChoices(props: { desk: ChannelsDesk }) {
  const { desk } = props;
  const wanted = desk.wanted.value;
  return (
    <fieldset class="choice channels-carriers">
      <legend class="off-screen">Carrier</legend>
      {CHOICES.map(([choice, label]) => (
        <label key={choice}>
          <input
            type="radio"
            name="channels-carrier"
            data-testid={`carrier-${choice}`}
            checked={wanted.carrier === choice}
            onChange={() => desk.want({ ...wanted, carrier: choice })}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function youOf({ client, user }: Extract<LineNow, { kind: "open" }>): string {
  return user === undefined ? client : `${user} (${client})`;
}

function describe(line: LineNow, isSubscribed: boolean): string {
  switch (line.kind) {
    case "closed":
      return "closed";
    case "connecting":
      return line.retryAt === undefined ? "connecting" : "lost, and coming back";
    case "idle":
      return "not connected";
    case "open":
      return isSubscribed ? "open" : "open, not subscribed";
  }
}
