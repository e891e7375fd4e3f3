// What Chromium wrote down about its own connections (chrome://net-export).

import { readFileSync } from "node:fs";

/** The head of every request that went out over HTTP/2, with the connection it went over and what it was answered. */
export function requestsByHttp2(file) {
  const { constants, events } = JSON.parse(readFileSync(file, "utf8"));
  const { HTTP2_SESSION_SEND_HEADERS: sent, HTTP2_SESSION_RECV_HEADERS: received } = constants.logEventTypes;
  const session = constants.logSourceType.HTTP2_SESSION;
  const heads = (type) =>
    events
      .filter((event) => event.type === type && event.source.type === session && event.params?.headers)
      .map(({ source, params }) => ({
        connection: source.id,
        stream: params.stream_id,
        headers: Object.fromEntries(params.headers.map((line) => line.match(/^(:?[^:]+): (.*)$/s).slice(1))),
      }));
  const answers = heads(received);
  return heads(sent).map((request) => {
    const { connection, stream } = request;
    const answer = answers.find((answer) => answer.connection === connection && answer.stream === stream);
    return { ...request, status: answer?.headers[":status"] };
  });
}
