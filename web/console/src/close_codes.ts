// The close codes of WebSocket, with their names and what they mean to a reader.

/** What a close code is called, and what it says. */
export interface CloseCode {
  readonly name: string;
  readonly meaning: string;
}

// Spec: RFC 6455 §7.4.1 and the IANA registry of WebSocket close codes.
const CODES: ReadonlyMap<number, CloseCode> = new Map([
  [1000, { name: "normal closure", meaning: "The conversation is over, as planned." }],
  [1001, { name: "going away", meaning: "The server stops, or the page is left." }],
  [1002, { name: "protocol error", meaning: "The other end broke the protocol." }],
  [1003, { name: "unsupported data", meaning: "This kind of message is not accepted here." }],
  [1005, { name: "no status received", meaning: "The close frame carried no code." }],
  [1006, { name: "abnormal closure", meaning: "The line was lost: there was no close frame." }],
  [1007, { name: "invalid payload data", meaning: "A text message was not valid UTF-8." }],
  [1008, { name: "policy violation", meaning: "The other end does not allow this." }],
  [1009, { name: "message too big", meaning: "A message was larger than the limit." }],
  [1010, { name: "mandatory extension", meaning: "An extension the client needs was not agreed." }],
  [1011, { name: "internal error", meaning: "The server met a fault of its own." }],
  [1012, { name: "service restart", meaning: "The server restarts. Come back soon." }],
  [1013, { name: "try again later", meaning: "The server is busy. Come back later." }],
  [1014, { name: "bad gateway", meaning: "A server behind this one gave a bad answer." }],
  [1015, { name: "TLS handshake", meaning: "The secure line could not be made." }],
  [3000, { name: "unauthorized", meaning: "Sign in first." }],
  [3003, { name: "forbidden", meaning: "This is not allowed for you." }],
  [3008, { name: "timeout", meaning: "The other end waited too long." }],
]);

/** The name and meaning of any code, known or not. */
export function closeCode(code: number): CloseCode {
  return CODES.get(code) ?? rangeOf(code);
}

/** Says whether a code travels in a close frame, or is only the browser's word for what happened (§7.4.1). */
export function isOnTheWire(code: number): boolean {
  return code !== 1005 && code !== 1006 && code !== 1015;
}

// Spec: RFC 6455 §7.4.2.
function rangeOf(code: number): CloseCode {
  if (code >= 1000 && code < 3000) {
    return { name: "reserved", meaning: "Kept for the protocol itself; no meaning is known." };
  }
  if (code >= 3000 && code < 4000) {
    return { name: "registered", meaning: "A library or framework gave this code its meaning." };
  }
  if (code >= 4000 && code < 5000) {
    return { name: "private", meaning: "The application gave this code its meaning." };
  }
  return { name: "invalid", meaning: "No such code may be sent." };
}
