// A cable between the page and the server, which can be cut.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Carries bytes to this port of 127.0.0.1 from another. */
export async function layCable(port) {
  const ends = new Set();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      ends.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        ends.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: server.address().port,
    /** Ends every connection where it stands; the next is carried again. */
    cut() {
      for (const end of ends) end.resetAndDestroy();
    },
    remove: () => server.close(),
  };
}
