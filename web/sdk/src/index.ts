// Tieline for TypeScript: a client of channels.

export type { CarrierName } from "./carriers/carrier.ts";
export type {
  ChannelEvents,
  HistoryRange,
  Item,
} from "./channel.ts";
export { Channel } from "./channel.ts";
export type { ClientEvents, State } from "./client.ts";
export { Tieline } from "./client.ts";
export type { DeviceEvents, DeviceMessage } from "./device.ts";
export { Device } from "./device.ts";
export type { Advice, Problem } from "./errors.ts";
export { TielineError } from "./errors.ts";
export type { Options } from "./options.ts";
export type { Gap } from "./recovery.ts";
export type { TokenSource } from "./tokens.ts";
export type { Counted, History, Member, Position, Publication, Published } from "./wire.ts";
