// A device: a line, and what is said on it.

import assert from "node:assert/strict";
import { load } from "../harness/tieline.mjs";
import { openLine } from "../harness/line.mjs";
import { DEVICE_APP } from "./server.mjs";
import { signed } from "./signing.mjs";

const WebSocket = load("ws");

let made = 0;

/** An id that nobody had. */
export function newId() {
  made += 1;
  return `${made.toString(16).padStart(8, "0")}@${DEVICE_APP.key}`;
}

/** Opens a line at a path of the server. */
export function open(server, path = "/") {
  return openLine(new WebSocket(server.ws(path)));
}

/** A device that has bound its line. */
export async function bind(server, { id = newId(), path = "/" } = {}) {
  const line = await open(server, path);
  line.send(`RG#${id}`);
  const [word, credential, millis, ...more] = (await line.next()).split("#");
  assert.deepEqual([word, more], ["RO", []]);
  assert.match(millis, /^\d+$/);
  assert.ok(credential.length > 0);
  return { ...line, id, credential, millis: Number(millis) };
}

/** An envelope as the Java client writes it. */
export function envelope({ method = "POST", path, headers = {}, body = "", ...more }) {
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return JSON.stringify({ method, host: "gw.example.com", path, querys: {}, headers: lists, isBase64: 0, body, ...more });
}

/** What a signed call of the app is, in an envelope. */
export function signedEnvelope(call, app = DEVICE_APP) {
  return envelope(signed({ method: "POST", ...call }, app));
}

/** The next text, as a response envelope. */
export async function answer(line) {
  const text = await line.next();
  assert.ok(text.startsWith("{"), text);
  return JSON.parse(text);
}

/** Sends an envelope, and waits for what is answered. */
export function call(line, text) {
  line.send(text);
  return answer(line);
}

/** Registers or unregisters. */
export function say(line, type, { seq = "0", body = "username=xiaoming&password=123456789" } = {}) {
  const headers = {
    "x-ca-websocket_api_type": type,
    "x-ca-seq": seq,
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    ca_version: "1.1.2",
    "user-agent": "ALIYUN-ANDROID-DEMO",
    host: "gw.example.com",
  };
  return call(line, signedEnvelope({ path: `/${type.toLowerCase()}`, headers, body }, { ...DEVICE_APP, method: "HmacSHA256" }));
}

/** A device that has registered. */
export async function register(server, options) {
  const line = await bind(server, options);
  assert.equal((await say(line, "REGISTER")).status, 200);
  return line;
}
