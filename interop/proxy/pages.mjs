// What the server behind the proxy answers to ordinary requests.

import { createHash } from "node:crypto";

/** Answers by the last part of the path. */
export async function answerHttp(request, response, name) {
  const { pathname } = new URL(request.url, "http://upstream");
  switch (pathname.split("/").pop()) {
    case "head":
      return json(response, { name, url: request.url, headers: request.headers });
    case "digest": {
      const hash = createHash("sha256");
      for await (const piece of request) hash.update(piece);
      return json(response, { sha256: hash.digest("hex") });
    }
    case "pieces":
      response.writeHead(200, { "content-type": "text/event-stream", "referrer-policy": "origin" });
      response.write("data: first\n\n");
      // The rest comes once the client says that it has the first.
      pieces.set(request.headers["x-name"], response);
      return;
    case "go-on":
      pieces.get(request.headers["x-name"]).end("data: last\n\n");
      return json(response, {});
    case "large":
      response.writeHead(200, { "content-length": LARGE });
      return send(response, LARGE);
    case "hop":
      response.writeHead(200, { connection: "keep-alive, x-hop", "x-hop": "1", "x-kept": "1", "keep-alive": "timeout=9" });
      return response.end("hop\n");
    default:
      response.writeHead(404, { "content-type": "text/plain" });
      return response.end("the upstream has no such page\n");
  }
}

export const LARGE = 256 << 20;
const pieces = new Map();

function json(response, value) {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

async function send(response, left) {
  const piece = Buffer.alloc(1 << 20);
  for (; left > 0; left -= piece.length) {
    if (!response.write(piece)) await new Promise((resume) => response.once("drain", resume));
  }
  response.end();
}
