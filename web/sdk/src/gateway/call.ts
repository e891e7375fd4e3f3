// What is asked of the gateway, and what it answers.

/** What is sent with a call. */
export type Body =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "empty" }
  | { readonly kind: "form"; readonly fields: Readonly<Record<string, string>> }
  | { readonly kind: "text"; readonly text: string };

/** A call of one of the gateway's APIs. */
export interface Call {
  /** GET, POST and so on. */
  readonly method: string;
  /** From `/` on, without a query. */
  readonly path: string;
  /** The query, each name once. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** What a call was answered. */
export interface Response {
  /** The status, as of HTTP. */
  readonly status: number;
  /** Headers by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Why the gateway itself did not hand the call on, such as `I404NF`. */
  readonly errorCode?: string;
}

/** A call; what is left out is empty. */
export function call(method: string, path: string, more: Partial<Call> = {}): Call {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(more.headers ?? {})) {
    headers[name.toLowerCase()] = value;
  }
  return { method, path, query: more.query ?? {}, headers, body: more.body ?? { kind: "empty" } };
}

/** A body of text; name its type in the header `content-type`. */
export const text = (text: string): Body => ({ kind: "text", text });

/** A body of bytes, which travel as base64. */
export const bytes = (bytes: Uint8Array): Body => ({ kind: "bytes", bytes });

/** A form, each name once. */
export const form = (fields: Readonly<Record<string, string>>): Body => ({ kind: "form", fields });

/** Whether the status is 2xx. */
export const isSuccess = (response: Response): boolean =>
  response.status >= 200 && response.status < 300;
