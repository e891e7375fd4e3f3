// A client of an API gateway that pushes to devices: calls go up, messages come down.

export type { Body, Call, Response } from "./call.ts";
export { bytes, call, form, isSuccess, text } from "./call.ts";
export type { Client, Event, Options } from "./client.ts";
export { createClient } from "./client.ts";
export { deviceId } from "./device_id.ts";
export type { CallProblem } from "./session.ts";
export { CallError } from "./session.ts";
export type { Credentials } from "./signature.ts";
