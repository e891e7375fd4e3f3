// The JSON in which calls and answers travel, one object to a text frame.

import { toBase64 } from "./base64.ts";
import type { Body, Call, Response } from "./call.ts";

/** A call as it is sent: `headers` in the plural, each value a list. */
export function encodeCall(call: Call, host: string): string {
  const headers = Object.entries(call.headers).map(([name, value]) => [name, [value]]);
  return JSON.stringify({
    method: call.method,
    host,
    path: call.path,
    querys: call.query,
    headers: Object.fromEntries(headers),
    isBase64: call.body.kind === "bytes" ? 1 : 0,
    body: encodeBody(call.body),
  });
}

function encodeBody(body: Body): string {
  switch (body.kind) {
    case "bytes":
      return toBase64(body.bytes);
    case "empty":
      return "";
    case "form":
      return new URLSearchParams(body.fields).toString();
    case "text":
      return body.text;
  }
}

/** An answer and the sequence that it is for; `undefined` for what is none. */
export function decodeAnswer(text: string): { seq: string; response: Response } | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(answer)) return undefined;
  const { status, header, body } = answer;
  if (!Number.isInteger(status) || !isRecord(header)) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (["boolean", "number", "string"].includes(typeof first)) {
      headers[name.toLowerCase()] = String(first);
    }
  }
  const seq = headers["x-ca-seq"];
  if (seq === undefined) return undefined;
  const errorCode = headers["x-ca-error-code"];
  return {
    seq,
    response: {
      status: Number(status),
      headers,
      body: typeof body === "string" ? body : "",
      ...(errorCode === undefined ? {} : { errorCode }),
    },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
