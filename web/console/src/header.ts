// The bytes in front of a payload, for a message that travels as one frame.

/** The opcodes that a browser lets a page see. */
export type Opcode = "binary" | "close" | "text";

/** Their numbers on the wire (RFC 6455 §5.2). */
export const OPCODE: Readonly<Record<Opcode, number>> = { text: 0x1, binary: 0x2, close: 0x8 };

/** Four bytes follow the header when the client is the sender (§5.3); browsers do not show them. */
export const MASK_BYTES = 4;

/**
 * Encodes the header of a single uncompressed frame, without its mask key.
 *
 * ```text
 * F R R R opcode | M length 7 | length 16 or 64
 * ```
 *
 * Spec: RFC 6455 §5.2.
 */
export function encodeHeader(opcode: Opcode, length: number, masked: boolean): Uint8Array {
  const first = 0x80 | OPCODE[opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) return Uint8Array.of(first, mask | length);
  if (length <= 0xffff) return Uint8Array.of(first, mask | 126, length >> 8, length & 0xff);
  const header = new Uint8Array(10);
  header.set([first, mask | 127]);
  new DataView(header.buffer).setBigUint64(2, BigInt(length));
  return header;
}
