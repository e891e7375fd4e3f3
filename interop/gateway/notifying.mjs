// A backend's notifications over HTTP.

import { once } from "node:events";
import { request } from "node:http";
import { within } from "../harness/checks.mjs";
import { BACKEND_APP } from "./server.mjs";
import { signed } from "./signing.mjs";

/** Notifies a device; answers the status, the error code, and the body. */
export async function notify(server, device, body, { app = BACKEND_APP, headers = {}, path = "/notify", change } = {}) {
  const call = signed(
    { method: "POST", path, headers: { "x-ca-deviceid": device, "content-type": "text/plain; charset=utf-8", ...headers }, body },
    app,
  );
  change?.(call);
  return send(server, call);
}

/** Sends a call as it is. */
export async function send(server, { method, path, headers, body }) {
  const asked = request(server.http(path), { method, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
  asked.end(body);
  const [response] = await within(once(asked, "response"), "an answer");
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += piece;
  return { status: response.statusCode, code: response.headers["x-ca-error-code"], body: text };
}
