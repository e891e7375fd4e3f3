// What is said on the native line, as docs/wire.md has it: reading and writing its messages.

/** A place in the log of a channel. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** What somebody published. */
export interface Publication<T = unknown> {
  readonly channel: string;
  readonly offset: number;
  readonly data: T;
  /** The user who published it, where the route asks who comes. */
  readonly from?: string;
}

/** Somebody who is there. */
export interface Member {
  readonly client: string;
  readonly user?: string;
  /** What it calls itself. */
  readonly name?: string;
}

/** The answer to `connect`. */
export interface Connected {
  readonly client: string;
  readonly user?: string;
  readonly session: { readonly id: string; readonly secret: string; readonly keep: number };
  readonly recovered: boolean;
  /** Requests of the session that were taken. */
  readonly seen: number;
  /** Seconds of silence after which the line is asked whether it is there. */
  readonly ping: number;
}

/** The answer to `subscribe`; one to a pattern is empty. */
export interface Subscribed {
  readonly position?: Position;
  readonly recovered?: boolean;
  readonly reason?: string;
  readonly oldest?: number;
  readonly publications: readonly Publication[];
}

/** Where something was published. */
export interface Published {
  readonly position: Position;
  /** It had been published already, under the same key. */
  readonly repeat: boolean;
}

/** What was published in a channel: the newest first, or behind an offset the oldest. */
export interface History<T = unknown> {
  readonly position: Position;
  /** The oldest offset that is kept. */
  readonly oldest: number;
  readonly publications: readonly Publication<T>[];
}

/** How many are there. */
export interface Counted {
  readonly clients: number;
  readonly users: number;
}

/** What the server says without being asked. */
export type Notification =
  | {
      readonly kind: "gap";
      readonly channel: string;
      readonly position: Position;
      readonly reason: string;
    }
  // Of a pattern, which has no position.
  | { readonly kind: "gap"; readonly pattern: string; readonly reason: string }
  | { readonly kind: "join" | "leave"; readonly channel: string; readonly member: Member }
  | { readonly kind: "publication"; readonly publication: Publication; readonly pattern?: string }
  | {
      readonly kind: "unsubscribed";
      readonly channel: string;
      readonly code: number;
      readonly reason: string;
    }
  | {
      readonly kind: "message";
      /** For a device; without one for this client. */
      readonly device?: string;
      readonly id: number;
      readonly data: unknown;
    }
  | {
      readonly kind: "unregistered";
      readonly device: string;
      readonly code: number;
      readonly reason: string;
    }
  | {
      readonly kind: "disconnect";
      readonly code: number;
      readonly reason: string;
      readonly reconnect: boolean;
      /** Milliseconds to wait before coming back. */
      readonly after?: number;
    };

/** A message of the server. */
export type Heard =
  | { readonly kind: "answer"; readonly id: number; readonly result: unknown }
  | {
      readonly kind: "error";
      readonly id: number | null;
      readonly code: number;
      readonly message: string;
      readonly data?: unknown;
    }
  | Notification
  // Something newer than this client: whoever counts messages need not count it.
  | { readonly kind: "unknown" };

type Fields = Readonly<Record<string, unknown>>;

/** Reads a message; `undefined` is none of the line's. */
export function readMessage(text: string): Heard | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(message) || message.jsonrpc !== "2.0") return undefined;
  const { error, id, method, params } = message;
  if (typeof method === "string") {
    return id === undefined && isFields(params)
      ? readNotification(method, params)
      : { kind: "unknown" };
  }
  if (isFields(error) && (typeof id === "number" || id === null)) {
    const { code, data } = error;
    if (typeof code !== "number" || typeof error.message !== "string") return undefined;
    return { kind: "error", id, code, message: error.message, ...given({ data }) };
  }
  if (typeof id !== "number" || !("result" in message)) return undefined;
  return { kind: "answer", id, result: message.result };
}

function readNotification(method: string, params: Fields): Heard | undefined {
  const { channel, code, reason } = params;
  switch (method) {
    case "publication": {
      const publication = readPublication(params, channel);
      const pattern = textOf(params.pattern);
      return publication && { kind: "publication", publication, ...given({ pattern }) };
    }
    case "gap": {
      const pattern = textOf(params.pattern);
      const position = readPosition(params.position);
      if (typeof reason !== "string") return undefined;
      if (channel === undefined && params.position === undefined)
        return pattern === undefined ? undefined : { kind: "gap", pattern, reason };
      if (typeof channel !== "string" || !position) return undefined;
      return { kind: "gap", channel, position, reason };
    }
    case "join":
    case "leave": {
      const member = readMember(params);
      if (typeof channel !== "string" || !member) return undefined;
      return { kind: method, channel, member };
    }
    case "unsubscribed":
      if (typeof channel !== "string" || typeof code !== "number") return undefined;
      return { kind: "unsubscribed", channel, code, reason: textOf(reason) ?? "" };
    case "message": {
      const { data, device, id } = params;
      if (!isCount(id) || data === undefined) return undefined;
      if (device !== undefined && typeof device !== "string") return undefined;
      return { kind: "message", id, data, ...given({ device }) };
    }
    case "unregistered": {
      const { device } = params;
      if (typeof device !== "string" || typeof code !== "number") return undefined;
      return { kind: "unregistered", device, code, reason: textOf(reason) ?? "" };
    }
    case "disconnect": {
      if (typeof code !== "number") return undefined;
      const { after, reconnect } = params;
      const waits = typeof after === "number" && after >= 0 ? { after } : {};
      return {
        kind: "disconnect",
        code,
        reason: textOf(reason) ?? "",
        reconnect: reconnect === true,
        ...waits,
      };
    }
    default:
      return { kind: "unknown" };
  }
}

export function readConnected(result: unknown): Connected | undefined {
  if (!isFields(result) || !isFields(result.session)) return undefined;
  const { client, ping, recovered, seen, session } = result;
  const { id, keep, secret } = session;
  if (typeof client !== "string" || typeof recovered !== "boolean") return undefined;
  if (!isCount(seen) || typeof ping !== "number") return undefined;
  if (typeof id !== "string" || typeof secret !== "string" || typeof keep !== "number")
    return undefined;
  const user = textOf(result.user);
  return { client, recovered, seen, ping, session: { id, secret, keep }, ...given({ user }) };
}

export function readSubscribed(channel: string, result: unknown): Subscribed | undefined {
  if (!isFields(result)) return undefined;
  const position = readPosition(result.position);
  const publications = readPublications(channel, result.publications ?? []);
  if (!publications) return undefined;
  const { oldest, recovered } = result;
  return {
    publications,
    ...given({ position, reason: textOf(result.reason) }),
    ...(typeof recovered === "boolean" ? { recovered } : {}),
    ...(isCount(oldest) ? { oldest } : {}),
  };
}

export function readPublished(result: unknown): Published | undefined {
  const position = isFields(result) ? readPosition(result.position) : undefined;
  return position && { position, repeat: (result as Fields).repeat === true };
}

export function readHistory(channel: string, result: unknown): History | undefined {
  if (!isFields(result)) return undefined;
  const { oldest } = result;
  const position = readPosition(result.position);
  const publications = readPublications(channel, result.publications);
  return position && publications && isCount(oldest)
    ? { position, oldest, publications }
    : undefined;
}

export function readMembers(result: unknown): Member[] | undefined {
  if (!isFields(result) || !Array.isArray(result.members)) return undefined;
  const members = result.members.map(readMember);
  return members.every((it) => it !== undefined) ? members : undefined;
}

export function readCounted(result: unknown): Counted | undefined {
  if (!isFields(result)) return undefined;
  const { clients, users } = result;
  return isCount(clients) && isCount(users) ? { clients, users } : undefined;
}

function readPublications(channel: string, list: unknown): Publication[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const read = list.map((it) => (isFields(it) ? readPublication(it, channel) : undefined));
  return read.every((it) => it !== undefined) ? read : undefined;
}

function readPublication(fields: Fields, channel: unknown): Publication | undefined {
  const { data, offset } = fields;
  if (typeof channel !== "string" || !isCount(offset) || data === undefined) return undefined;
  return { channel, offset, data, ...given({ from: textOf(fields.from) }) };
}

function readMember(fields: unknown): Member | undefined {
  if (!isFields(fields) || typeof fields.client !== "string") return undefined;
  const { client, name, user } = fields;
  return { client, ...given({ user: textOf(user), name: textOf(name) }) };
}

function readPosition(fields: unknown): Position | undefined {
  if (!isFields(fields)) return undefined;
  const { epoch, offset } = fields;
  return typeof epoch === "string" && isCount(offset) ? { epoch, offset } : undefined;
}

export function writeCall(id: number, method: string, params: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

export function writeNotification(method: string, params: object): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params });
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The fields that are there. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
