// The server as the suite has it: a gateway with signed APIs at "/", and some with other settings below.

import { startTieline, write } from "../harness/tieline.mjs";

/** The applications: the devices' is that of the documents. */
export const DEVICE_APP = { key: "12344133", secret: "test-secret" };
export const BACKEND_APP = { key: "backend", secret: "another-secret" };

/** The operator's. */
export const OPERATOR_KEY = "the-operators-own-key";

const APIS = [
  { type: "register", path: "/register" },
  { type: "unregister", path: "/unregister" },
  { path: "/http2test/test" },
  { path: "/signed" },
  { path: "/orders/{id}", backend_path: "/v1/{id}/lines", signed: false },
  { path: "/echo", signed: false },
  { path: "/echo", method: "GET", signed: false },
  { path: "/slow", signed: false, timeout: "1s" },
  { path: "/slow/beside", backend_path: "/slow", signed: false, timeout: "5s", ordered: false },
  { path: "/huge", signed: false },
  { path: "/binary", signed: false },
  { path: "/latin", signed: false },
  { path: "/wrong", signed: false },
  { path: "/many", signed: false },
  { path: "/dead", signed: false, backend: "dead" },
  { path: "/function/{id}", backend_path: "/function", signed: false, speaks: "function" },
  { type: "notify", path: "/notify", backend: undefined, apps: [BACKEND_APP.key] },
];

/** A gateway's table, as TOML. */
export function gateway({ settings = "", apis = APIS, prefix = "" } = {}) {
  const table = (name, values) =>
    `[[route.service.${name}]]\n` +
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
      .join("");
  const apps = [DEVICE_APP, BACKEND_APP].map(({ key }) => table("app", { key, secret_file: `${key}.secret` }));
  const tables = apis.map((api) => {
    // Where it is called at its route, it is reached over HTTP.
    const path = api.type === "notify" ? prefix + api.path : api.path;
    return table("api", { backend: "shop", ...api, path });
  });
  return `[route.service]\nkind = "gateway"\n${settings}\n${apps.join("")}${tables.join("")}`;
}

/** Starts a gateway with an operator's side, which is its second origin. */
export function startOperated(backend) {
  write("operator.key", `${OPERATOR_KEY}\n`);
  const operator = `[operator]\naddress = "127.0.0.1:0"\napi_key_file = "operator.key"\n`;
  return startTieline({
    config: [common(backend), operator, "[[route]]", 'path = "/"', gateway()].join("\n"),
    listeners: 2,
  });
}

/** What the configurations have in common. */
export function common(backend) {
  for (const { key, secret } of [DEVICE_APP, BACKEND_APP]) write(`${key}.secret`, `${secret}\n`);
  return `
workers = 2
[[listener]]
address = "127.0.0.1:0"
[[backend]]
name = "shop"
url = "${backend.url}"
breaker = { failures = 0 }
[[backend]]
name = "dead"
url = "http://127.0.0.1:1"
breaker = { failures = 0 }
`;
}

/** Starts it. */
export function startGateway(backend) {
  const route = (path, settings) => `[[route]]\npath = "${path}"\n${gateway({ settings, prefix: path === "/" ? "" : path })}`;
  return startTieline({
    config: [
      common(backend),
      route("/", 'events = { backend = "shop" }'),
      route("/short", 'line_life = "2s"\nleave_within = "10s"'),
      route("/strict", 'bind_within = "1s"\nregister_within = "1s"'),
      route("/beats", 'keep_alive = "1s"\nregister_within = "0s"'),
      route("/busy", "limits = { texts_per_second = 5 }"),
      route("/paced", "limits = { binds_per_second = 20 }"),
      route("/ack", "inbox = { until_acknowledged = true, max_messages = 5 }"),
    ].join("\n"),
  });
}
