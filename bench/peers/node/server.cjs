// ws, the library of Node: SERVER PORT [deflate] [publish] [tls=FOLDER].
// bufferutil and utf-8-validate speed it up where they are installed; nothing else is done to it.

const { readFileSync } = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { WebSocket, WebSocketServer } = require("ws");

const [port, ...wishes] = process.argv.slice(2);
const folder = wishes.find((wish) => wish.startsWith("tls="))?.slice("tls=".length);
const publishes = wishes.includes("publish");

const server = folder
  ? https.createServer({ key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/certificate.pem`) })
  : http.createServer();

const sockets = new WebSocketServer({
  server,
  maxPayload: 16 * 1024 * 1024,
  perMessageDeflate: wishes.includes("deflate") && {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold: 128,
  },
  skipUTF8Validation: false,
});

sockets.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (message, isBinary) => {
    if (!publishes) return socket.send(message, { binary: isBinary });
    for (const each of sockets.clients) {
      if (each.readyState === WebSocket.OPEN) each.send(message, { binary: isBinary });
    }
  });
});

server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 }, () => console.log(`listening on ${port}`));
