// Calls of JSON-RPC: what was asked and is not answered yet, and what came back.

import { isObject, parseJson } from "../json.ts";

/** What is asked. */
export interface Call {
  readonly method: string;
  /** An array or an object; nothing is left out of the request. */
  readonly params: unknown;
}

/** What the server said, ready to be shown. */
export type RpcNews =
  | {
      readonly kind: "answer" | "error";
      readonly method: string;
      /** From asking to hearing, in milliseconds. */
      readonly span: number;
      readonly text: string;
    }
  | { readonly kind: "push"; readonly method: string; readonly text: string }
  | { readonly kind: "unasked"; readonly text: string };

/** The calls of one line; ids count from 1. */
export interface Calls {
  /** The request for a call, as it goes over the line. */
  ask(call: Call, now: number): string;
  /** What a message means: a batch is several things. */
  hear(text: string, now: number): readonly RpcNews[];
  /** The line is gone: nobody answers any more. */
  forget(): void;
}

export function createCalls(): Calls {
  const waiting = new Map<number, { method: string; at: number }>();
  let nextId = 1;

  function ask(call: Call, now: number): string {
    const id = nextId;
    nextId += 1;
    waiting.set(id, { method: call.method, at: now });
    return JSON.stringify({ jsonrpc: "2.0", id, method: call.method, params: call.params });
  }

  function hear(text: string, now: number): readonly RpcNews[] {
    const said = parseJson(text);
    if (said === undefined) return [{ kind: "unasked", text }];
    return (Array.isArray(said) ? said : [said]).map((one) => understand(one, now));
  }

  function understand(said: unknown, now: number): RpcNews {
    if (!isObject(said)) return { kind: "unasked", text: JSON.stringify(said) };
    if (typeof said.method === "string") {
      return { kind: "push", method: said.method, text: format(said.params) };
    }
    const id = typeof said.id === "number" ? said.id : 0;
    const asked = waiting.get(id);
    if (asked === undefined) return { kind: "unasked", text: JSON.stringify(said) };
    waiting.delete(id);
    const { method } = asked;
    const span = now - asked.at;
    if ("error" in said) return { kind: "error", method, span, text: describe(said.error) };
    return { kind: "answer", method, span, text: format(said.result) };
  }

  return { ask, hear, forget: () => waiting.clear() };
}

/** Reads params as a person writes them: nothing, an array or an object. */
export function parseParams(text: string): { readonly params: unknown } | { readonly why: string } {
  if (text.trim() === "") return { params: undefined };
  const params = parseJson(text);
  if (params === undefined) return { why: 'This is no JSON. Params look like ["latest", false].' };
  if (!isObject(params) && !Array.isArray(params)) {
    return { why: "Params are an array or an object: put it in brackets, [ ]." };
  }
  return { params };
}

/** `code message`, and the data where there is some. */
function describe(error: unknown): string {
  if (!isObject(error)) return JSON.stringify(error);
  const head = `${String(error.code)} ${String(error.message)}`;
  return "data" in error ? `${head}\n${format(error.data)}` : head;
}

function format(value: unknown): string {
  return JSON.stringify(value, undefined, 2) ?? "nothing";
}
