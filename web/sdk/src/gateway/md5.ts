// MD5, which the dialect asks for and WebCrypto does not have. It protects nothing by itself: the signature does.
//
// Spec: RFC 1321.

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

const SINES = Uint32Array.from({ length: 64 }, (_, i) =>
  Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32),
);

/** The 16 bytes of the digest. */
export function md5(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  const view = new DataView(padded.buffer);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < padded.length; at += 64) mix(state, view, at);
  const out = new Uint8Array(16);
  state.forEach((word, index) => {
    new DataView(out.buffer).setUint32(index * 4, word, true);
  });
  return out;
}

/** One bit, zeroes, and the length in bits, up to a multiple of 64 bytes. */
function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const bits = BigInt(message.length) * 8n;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, bits, true);
  return padded;
}

function mix(state: Uint32Array, view: DataView, at: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let i = 0; i < 64; i += 1) {
    const round = i >> 4;
    const word = view.getUint32(at + 4 * pick(round, i), true);
    const sum = (a + choose(round, b, c, d) + word + (SINES[i] ?? 0)) >>> 0;
    const shift = SHIFTS[4 * round + (i % 4)] ?? 0;
    const turned = (sum << shift) | (sum >>> (32 - shift));
    [a, d, c, b] = [d, c, b, (b + turned) >>> 0];
  }
  [a, b, c, d].forEach((word, index) => {
    state[index] = (state[index] ?? 0) + word;
  });
}

/** Which word of the block a step takes. */
function pick(round: number, i: number): number {
  return [i, 5 * i + 1, 3 * i + 5, 7 * i].map((at) => at % 16)[round] ?? 0;
}

function choose(round: number, b: number, c: number, d: number): number {
  switch (round) {
    case 0:
      return (b & c) | (~b & d);
    case 1:
      return (b & d) | (c & ~d);
    case 2:
      return b ^ c ^ d;
    default:
      return c ^ (b | ~d);
  }
}
