// The frames that we see in a capture, and those that tshark does, in one form.

import assert from "node:assert/strict";
import { inspect, tshark } from "./capture.mjs";

/**
 * Both see the same frames: direction, opcode, length, fin, mask key, payload, and what compressed ones are inflated to.
 * Answers how many.
 */
export async function sameFrames(file, keys) {
  const events = await inspect(file, ...(keys ? ["--keys", keys] : []));
  const servers = events.filter(({ event }) => event === "connection").map(({ server }) => server.split(":").at(-1));
  const ours = byDirection(events.filter(({ event }) => event === "frame").map(ourFrame));
  const theirs = byDirection((await tshark(file, [...new Set(servers)], keys)).flatMap((packet) => theirFrames(packet, servers)));
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
  let count = 0;
  for (const [direction, frames] of Object.entries(ours)) {
    assert.equal(frames.length, theirs[direction].length, `frames of ${direction}`);
    for (const [at, frame] of frames.entries()) {
      const their = theirs[direction][at];
      if (their.inflated === undefined) delete frame.inflated;
      assert.deepEqual(frame, their, `frame ${at} of ${direction}`);
      count += 1;
    }
  }
  assert.ok(count > 0, "there are frames");
  return count;
}

function byDirection(frames) {
  const directions = {};
  for (const { direction, ...frame } of frames) (directions[direction] ??= []).push(frame);
  return directions;
}

function ourFrame({ connection, from, fin, rsv, opcode, length, mask, payload, message }) {
  const inflated = message?.text === undefined ? message?.hex : Buffer.from(message.text).toString("hex");
  return { direction: `${connection} ${from}`, fin, rsv, opcode, length, mask, payload, inflated: inflated ?? undefined };
}

function theirFrames({ _source: { layers } }, servers) {
  const { tcp, websocket } = layers;
  const connection = Number(tcp["tcp.stream"]) + 1;
  const from = servers.includes(tcp["tcp.srcport"]) ? "server" : "client";
  const frames = [websocket].flat();
  return frames.map((frame) => {
    const extended = frame["websocket.payload_length_ext_16"] ?? frame["websocket.payload_length_ext_64"];
    // A layer of its own has what binary messages are inflated to: whose it is, is clear where it is alone.
    const binary = frames.length === 1 ? layers.data?.["data.data_raw"]?.[0] : undefined;
    const text = frame["websocket.payload"]?.["websocket.payload.text_raw"]?.[0];
    const isWhole = frame["websocket.fin"] === "1" && ["1", "2"].includes(frame["websocket.opcode"]);
    // What is empty tshark has as a NUL.
    const isShown = isWhole && frame["websocket.pmc"] === "1" && (text ?? binary ?? "00") !== "00";
    const their = {
      direction: `${connection} ${from}`,
      fin: frame["websocket.fin"] === "1",
      rsv: Number(frame["websocket.rsv"]),
      opcode: Number(frame["websocket.opcode"]),
      length: Number(extended ?? frame["websocket.payload_length"]),
      mask: frame["websocket.masking_key_raw"]?.[0] ?? null,
      payload: frame["websocket.payload_raw"]?.[0] ?? "",
    };
    return isShown ? { ...their, inflated: text ?? binary } : their;
  });
}
