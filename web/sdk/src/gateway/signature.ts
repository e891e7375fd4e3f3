// Signatures of calls: HMAC-SHA256 over what identifies a call.
//
//   METHOD \n Accept \n Content-MD5 \n Content-Type \n Date \n     an absent one leaves its line empty
//   name:value \n                                                  each signed header, by name
//   path?a=1&b&c=3                                                 query and form, by name; no value, no `=`

import { toBase64 } from "./base64.ts";
import type { Call } from "./call.ts";
import { md5 } from "./md5.ts";

/** The key of an application, and the secret that goes with it. */
export interface Credentials {
  /** Sent as `x-ca-key`. */
  readonly key: string;
  /** Never sent. In a browser whoever opens the page has it, too. */
  readonly secret: string;
}

/** What makes a signature one of its own: fresh for every call. */
export interface Stamp {
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  /** Not used before. */
  readonly nonce: string;
}

const utf8 = new TextEncoder();

/** The call with the headers that sign it: every `x-ca-…` that is there counts. */
export async function sign(unsigned: Call, credentials: Credentials, stamp: Stamp): Promise<Call> {
  const headers: Record<string, string> = {
    ...unsigned.headers,
    "x-ca-key": credentials.key,
    "x-ca-nonce": stamp.nonce,
    "x-ca-timestamp": String(stamp.timestampMs),
    "x-ca-signature-method": "HmacSHA256",
  };
  const { body } = unsigned;
  if (body.kind === "bytes") headers["content-md5"] = toBase64(md5(body.bytes));
  if (body.kind === "text") headers["content-md5"] = toBase64(md5(utf8.encode(body.text)));
  const names = Object.keys(headers).filter(isSigned).sort();
  const call = { ...unsigned, headers };
  headers["x-ca-signature"] = await hmac(credentials.secret, stringToSign(call, names));
  headers["x-ca-signature-headers"] = names.join(",");
  return call;
}

/** What is signed, with these headers. */
export function stringToSign(call: Call, names: readonly string[]): string {
  const header = (name: string) => call.headers[name] ?? "";
  const fixed = ["accept", "content-md5", "content-type", "date"].map(header);
  const named = names.map((name) => `${name}:${header(name)}`);
  return [call.method, ...fixed, ...named, call.path + parameters(call)].join("\n");
}

function parameters(call: Call): string {
  const fields = call.body.kind === "form" ? call.body.fields : {};
  const pairs = Object.entries({ ...call.query, ...fields });
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  const written = pairs.map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  return written.length === 0 ? "" : `?${written.join("&")}`;
}

const isSigned = (name: string) =>
  name.startsWith("x-ca-") && name !== "x-ca-signature" && name !== "x-ca-signature-headers";

/** Base64 of the HMAC-SHA256. */
export async function hmac(secret: string, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8.encode(secret), algorithm, false, ["sign"]);
  return toBase64(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(text))));
}
