// The lines of a text that arrives in pieces.

/** Longest line that is put together, in characters; a longer one is left out. */
const MAX_LINE = 8 * 1024 * 1024;

/** Hands on each line of a stream, until it ends or `handle` is aborted. Answers how many were too long. */
export async function eachLine(
  body: ReadableStream<Uint8Array>,
  handle: (line: string) => void,
): Promise<number> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest: string[] = [];
  let length = 0;
  let tooLong = 0;

  function add(piece: string) {
    length += piece.length;
    if (length <= MAX_LINE) rest.push(piece);
    else rest = [];
  }

  function end() {
    if (length > MAX_LINE) tooLong += 1;
    else if (length > 0) handle(rest.join(""));
    rest = [];
    length = 0;
  }

  for (;;) {
    const { done, value } = await reader.read();
    const text = decoder.decode(value, { stream: !done });
    let from = 0;
    for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
      add(text.slice(from, to));
      end();
      from = to + 1;
    }
    if (from < text.length) add(text.slice(from));
    if (done) {
      end();
      return tooLong;
    }
  }
}
