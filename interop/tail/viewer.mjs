// One who watches a route: what came, line by line, and what was told beside it.

import { until, within } from "../harness/checks.mjs";
import { load } from "../harness/tieline.mjs";

/** How long a host may take that is asked again and again, up to half a minute apart. */
const PATIENCE_MS = 50_000;

/** Opens a line and collects what comes. */
export async function openViewer(address) {
  const WebSocket = load("ws");
  const socket = new WebSocket(address);
  const closed = new Promise((resolve) => {
    socket.onclose = resolve;
  });
  const viewer = {
    lines: [],
    gaps: [],
    /** Waits until so many lines have come. */
    has: (count) => waits(`${count} lines`, () => viewer.lines.length >= count),
    /** Waits until this was told as a gap. */
    isTold: (reason) => waits(reason, () => viewer.gaps.some((gap) => gap.includes(reason))),
    async close() {
      socket.close();
      await within(closed, "the line closes");
    },
  };
  async function waits(what, condition) {
    await until(what, condition, PATIENCE_MS).catch((error) => {
      throw new Error(`${error.message}: ${viewer.lines.length} lines, gaps: ${viewer.gaps.join("; ")}`);
    });
  }
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.lines) viewer.lines.push(...message.lines);
    if (message.type === "gap") viewer.gaps.push(message.reason);
  };
  const opened = new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  await within(opened, "the line opens");
  return viewer;
}
