// A backend as a process of its own: prints each request it gets as a line of JSON, and answers by its path.

import { createServer } from "node:http";

let eventStatus = 204;

const answers = {
  "/events": (response) => response.writeHead(eventStatus).end(),
  "/control": (response, body) => {
    eventStatus = Number(body);
    response.end();
  },
  "/register": (response, body) => response.writeHead(body === "refuse me" ? 403 : 200, TEXT).end("ok"),
  "/unregister": (response) => response.writeHead(200).end(),
  "/huge": (response) => response.end("x".repeat(3 << 20)),
  "/binary": (response) => response.end(Buffer.from([0xff, 0xfe, 0x00])),
  "/latin": (response) => response.writeHead(200, { "content-type": "text/plain; charset=ISO-8859-1" }).end(Buffer.from([0xe9])),
  "/wrong": (response) => response.socket.end("nonsense\r\n\r\n"),
  "/slow": () => {},
  "/many": (response) => response.writeHead(200, [["x-many", "a"], ["x-many", "b"], ["set-cookie", "c=d"]]).end("many"),
  "/function": (response, body) => {
    const event = JSON.parse(body);
    const told = `${event.httpMethod} ${event.path} ${event.pathParameters.id} ${event.queryParameters.q} ${event.body}`;
    response.end(JSON.stringify({ isBase64Encoded: false, statusCode: 201, headers: { "x-made": "1" }, body: told }));
  },
};

const TEXT = { "content-type": "application/json; charset=utf-8" };

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString();
  const { method, url, headers } = request;
  const path = url.split("?")[0];
  if (path !== "/control") console.log(JSON.stringify({ method, url, headers, body }));
  const answer = answers[path];
  if (answer) answer(response, body);
  else response.writeHead(200, TEXT).end(`${method} ${url} ${body}`);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
