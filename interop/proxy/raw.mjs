// A server that answers an upgrade as it is told to by the path, right or wrong, and remembers what it read.

import { createHash } from "node:crypto";
import { createServer } from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Starts it; `seen` has for each connection all that was read of it, as text. */
export async function openRaw() {
  const seen = [];
  const large = { connection: null };
  const server = createServer((socket) => {
    const index = seen.push("") - 1;
    socket.on("error", () => {});
    let answered = false;
    socket.on("data", (data) => {
      if (answered) return;
      seen[index] += data.toString("latin1");
      const end = seen[index].indexOf("\r\n\r\n");
      if (end < 0) return;
      answered = true;
      const [, path] = seen[index].split(" ");
      const key = /^sec-websocket-key: (.*)\r$/im.exec(seen[index])?.[1] ?? "";
      const rest = Buffer.from(seen[index].slice(end + 4), "latin1");
      const answer = ANSWERS[path.split("/").pop()];
      answer(socket, key, rest, large);
      socket.on("data", (more) => {
        if (seen[index].length < 1 << 16) seen[index] += more.toString("latin1");
      });
    });
  });
  await new Promise((resume) => server.listen(0, "127.0.0.1", resume));
  return { origin: `http://127.0.0.1:${server.address().port}`, seen, large };
}

export const accept = (key) => createHash("sha1").update(key + GUID).digest("base64");

const switching = (key, more = "") =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(key)}\r\n${more}\r\n`;

const refusal = (line, headers, body) =>
  `HTTP/1.1 ${line}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const ANSWERS = {
  "wrong-accept": (socket, key) => socket.write(switching(`x${key}`)),
  "no-upgrade": (socket, key) => socket.write(switching(key).replace("Upgrade: websocket\r\n", "")),
  "unasked-protocol": (socket, key) => socket.write(switching(key, "Sec-WebSocket-Protocol: other\r\n")),
  "unasked-extension": (socket, key) => socket.write(switching(key, "Sec-WebSocket-Extensions: x-other\r\n")),
  426: (socket) => socket.write(refusal("426 Upgrade Required", "Upgrade: websocket\r\nConnection: upgrade\r\n", "upgrade!\n")),
  401: (socket) => socket.write(refusal("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"\r\n', "who are you?\n")),
  "401-large": (socket) => socket.write(refusal("401 Unauthorized", "", "x".repeat(1 << 20))),
  200: (socket) => socket.write(refusal("200 OK", "", "no upgrade here\n")),
  garbage: (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
  dies: (socket) => socket.destroy(),
  silent: () => {},
  // A frame in the same write as the head, and then an echo of whatever follows, unmasked.
  pipelined: (socket, key, rest) => {
    socket.write(Buffer.concat([Buffer.from(switching(key)), Buffer.from([0x81, 5]), Buffer.from("early")]));
    const echo = (data) => socket.write(unmasked(data));
    if (rest.length > 0) echo(rest);
    socket.on("data", echo);
  },
  "dies-later": (socket, key) => {
    socket.write(switching(key));
    socket.once("data", () => socket.destroy());
  },
  "dies-within": (socket, key) => {
    socket.write(Buffer.concat([Buffer.from(switching(key)), Buffer.from([0x81, 100]), Buffer.from("not all")]));
    socket.once("data", () => socket.destroy());
  },
  // Leaves everything to who holds the other end of `large`.
  large: (socket, key, rest, large) => {
    socket.pause();
    socket.removeAllListeners("data");
    socket.write(switching(key));
    large.connection?.(socket, rest);
  },
};

/** One short masked frame as a server sends it. */
function unmasked(frame) {
  const mask = frame.subarray(2, 6);
  const payload = frame.subarray(6).map((byte, index) => byte ^ mask[index % 4]);
  return Buffer.concat([Buffer.from([frame[0], payload.length]), payload]);
}
