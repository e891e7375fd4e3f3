// A device at the API gateway, by our TypeScript client: says what happens to it, until it is told `bye`.

import { call, createClient, form, text } from "../../web/sdk/dist/gateway/index.js";
import { load } from "../harness/tieline.mjs";

const { WebSocket } = load("ws");
const [url, key, secret] = process.argv.slice(2);

let leave;
const left = new Promise((resume) => {
  leave = resume;
});
const client = createClient(url, {
  credentials: { key, secret },
  socket: (url) => new WebSocket(url),
  onEvent(event) {
    if (event.kind === "notify" && event.text === "bye") leave();
    else if (event.kind === "notify") console.log(`heard ${event.text}`);
    else if (event.kind === "registered" || event.kind === "disconnected") console.log(event.kind);
  },
});
console.log(`device ${client.deviceId}`);

const expect = (answer, isRight) => {
  if (!isRight) throw new Error(JSON.stringify(answer));
};
let answer = await client.register(call("POST", "/register", { body: form({ user: "ä b&c" }) }));
expect(answer, answer.status === 200);
const headers = { "content-type": "application/json; charset=utf-8" };
answer = await client.call(call("POST", "/signed", { query: { q: "ü", empty: "" }, headers, body: text('{"a":1}') }));
expect(answer, answer.status === 200);
answer = await client.call(call("GET", "/nowhere"));
expect(answer, answer.errorCode === "I404NF");
await left;
answer = await client.unregister(call("POST", "/unregister"));
console.log(`unregistered ${answer.status}`);
client.close();
