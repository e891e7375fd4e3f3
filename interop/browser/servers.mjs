// The server as a configuration makes it: TLS beside plain HTTP, an echo that pages from disk may use, and JSON-RPC; and
// one whose channels are for whoever has a token.

import { OPERATOR_KEY } from "../gateway/server.mjs";
import { startPlainAndSecure } from "../harness/listeners.mjs";
import { startTieline, write } from "../harness/tieline.mjs";

const ROUTES = `
[[route]]
path = "/echo"
service = { kind = "echo" }
compression = {}
origins = ["same-origin", "null"]

[[route]]
path = "/chat"
service = { kind = "chat" }

[[route]]
path = "/room"
service = { kind = "room" }

[[route]]
path = "/rpc"
service = { kind = "rpc", demo = true }

[[route]]
path = "/tieline"
service = { kind = "channels" }

[namespace.demo]
history = 100
presence = true
join_leave = true
publish = "all"
`;

const TOKEN = "the-token-of-alice-alone";

const GUARDED = `
[[listener]]
address = "127.0.0.1:0"

[[route]]
path = "/"
page = { kind = "console" }

[[route]]
path = "/tieline"
service = { kind = "channels" }
access = { kind = "token", file = "tokens", anonymous = true }

[namespace.chat]
history = 100
presence = true
join_leave = true

[namespace.demo]

[namespace.short]
history = 3
publish = "all"
`;

const WATCHED = `
[[listener]]
address = "127.0.0.1:0"

[operator]
address = "127.0.0.1:0"
api_key_file = "operator.key"

[[route]]
path = "/"
page = { kind = "console" }

[[route]]
path = "/chat"
service = { kind = "chat" }

[[route]]
path = "/tieline"
service = { kind = "channels" }

[namespace.demo]
publish = "all"
`;

/** Starts it; `origins` are the plain address and the one with TLS. */
export function openToDisk() {
  return startPlainAndSecure(ROUTES);
}

/** Starts one whose channels everybody hears, and alice alone publishes in, by her `token`. */
export async function startGuarded() {
  write("tokens", `alice ${TOKEN} publish:chat:*\n`);
  return { ...(await startTieline({ config: GUARDED })), token: TOKEN };
}

/** Starts one with channels and a chat for everybody, and an operator's side, which is its second origin. */
export function startWatched() {
  write("operator.key", `${OPERATOR_KEY}\n`);
  return startTieline({ config: WATCHED, listeners: 2 });
}
