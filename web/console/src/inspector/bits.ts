// The header of a frame, field by field, as RFC 6455 §5.2 draws it.

/** A field of the header. */
export interface Field {
  readonly name: string;
  /** Its bits, as zeros and ones. */
  readonly bits: string;
  /** What it says. */
  readonly says: string;
}

/** A part of a field that lies in one row of the drawing. */
export interface Segment {
  readonly field: Field;
  readonly bits: string;
  /** The column it begins in, from 0. */
  readonly column: number;
  /** Whether it goes on from the row above. */
  readonly goesOn: boolean;
}

const OPCODES: Readonly<Record<number, string>> = {
  0: "continuation",
  1: "text",
  2: "binary",
  8: "close",
  9: "ping",
  10: "pong",
};

/** The fields of a header; those that are there of one that is cut off. */
export function fieldsOf(head: Uint8Array): Field[] {
  const [first, second] = head;
  if (first === undefined) return [];
  const opcode = first & 0xf;
  const fields = [
    bit("FIN", first, 7, "the last frame of its message", "more of the message is to come"),
    bit("RSV1", first, 6, "compressed, where that was agreed (RFC 7692)", "not compressed"),
    bit("RSV2", first, 5, "set: no extension here gives it a meaning", "reserved"),
    bit("RSV3", first, 4, "set: no extension here gives it a meaning", "reserved"),
    {
      name: "opcode",
      bits: binary(opcode, 4),
      says: `${hex(opcode)} ${OPCODES[opcode] ?? "reserved, and means nothing"}`,
    },
  ];
  if (second === undefined) return fields;
  const short = second & 0x7f;
  fields.push(bit("MASK", second, 7, "the payload is masked", "the payload is not masked"), {
    name: "payload length",
    bits: binary(short, 7),
    says: shortLength(short),
  });
  let at = 2;
  const wide = short === 127 ? 8 : short === 126 ? 2 : 0;
  const long = head.subarray(at, at + wide);
  if (long.length > 0) {
    const says = long.length === wide ? `${number(long)} bytes` : "cut off";
    fields.push({ name: "extended payload length", bits: bytes(long), says });
  }
  at += wide;
  const key = head.subarray(at, at + 4);
  if ((second & 0x80) !== 0 && key.length > 0) {
    const digits = Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    fields.push({
      name: "masking key",
      bits: bytes(key),
      says: key.length === 4 ? digits : "cut off",
    });
  }
  return fields;
}

/** Lays fields out in rows of so many bits. */
export function drawn(fields: readonly Field[], width: number): Segment[][] {
  const rows: Segment[][] = [];
  let at = 0;
  for (const field of fields) {
    let done = 0;
    while (done < field.bits.length) {
      const column = at % width;
      const here = Math.min(width - column, field.bits.length - done);
      const row = Math.floor(at / width);
      rows[row] ??= [];
      const bits = field.bits.slice(done, done + here);
      rows[row]?.push({ field, bits, column, goesOn: done > 0 });
      done += here;
      at += here;
    }
  }
  return rows;
}

/** Bytes with the mask put on, or taken off: both are the same (RFC 6455 §5.3). */
export function masked(payload: Uint8Array, key: Uint8Array): Uint8Array {
  return payload.map((byte, at) => byte ^ (key[at % 4] ?? 0));
}

function bit(name: string, byte: number, place: number, set: string, clear: string): Field {
  const isSet = ((byte >> place) & 1) === 1;
  return { name, bits: isSet ? "1" : "0", says: isSet ? set : clear };
}

function shortLength(length: number): string {
  if (length === 127) return "127: the length is in the next 64 bits";
  if (length === 126) return "126: the length is in the next 16 bits";
  return length === 1 ? "1 byte" : `${length} bytes`;
}

function number(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

function bytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => binary(byte, 8)).join("");
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, "0");
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
