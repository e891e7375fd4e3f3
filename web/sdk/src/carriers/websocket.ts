// A line over a WebSocket.

import type { Carrier, Hears, WebSocketLike, Where } from "./carrier.ts";

const PROTOCOL = "tieline.v1";

export function openWebSocket({ url, token, tools }: Where, hears: Hears): Carrier {
  const address = new URL(url);
  address.protocol = url.protocol.replace("http", "ws");
  const protocols = token === undefined ? [PROTOCOL] : [PROTOCOL, bearer(token)];
  const { WebSocket } = tools;
  if (!WebSocket) throw new Error("there is no WebSocket here");
  let socket: WebSocketLike | undefined = new WebSocket(address.href, protocols);
  socket.onopen = () => hears.opened();
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (typeof data === "string") hears.message(data);
  };
  // A close follows.
  socket.onerror = () => {};
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
    socket = undefined;
    hears.ended({ code, reason });
  };
  return {
    send: (text) => socket?.send(text),
    close(forGood) {
      const mine = socket;
      socket = undefined;
      if (!mine) return;
      mine.onopen = mine.onmessage = mine.onclose = null;
      if (forGood) mine.close(1000, "");
      else mine.close();
    },
  };
}

/** A page can set no header on a WebSocket: the token goes among the subprotocols. */
function bearer(token: string): string {
  const encoded = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `tieline.bearer.${encoded}`;
}
