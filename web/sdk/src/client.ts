// The client: a session on a line that is opened again and again, by whichever carrier gets through.

import { createBackoff } from "./backoff.ts";
import { opener, usable } from "./carriers/all.ts";
import type { CarrierName, Hears, Tools } from "./carriers/carrier.ts";
import { LOST } from "./carriers/carrier.ts";
import { type Asks, Channel } from "./channel.ts";
import { Device, type DeviceAsks } from "./device.ts";
import { Emitter } from "./emitter.ts";
import { isForGood, isOfToken, SUPERSEDED, TielineError, TOKEN } from "./errors.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { createLadder } from "./ladder.ts";
import { Line, type LineEnd, type Owner } from "./line.ts";
import { watchNetwork } from "./network.ts";
import type { Options } from "./options.ts";
import { createSession, type Kind } from "./session.ts";
import { createTokens } from "./tokens.ts";
import { given, readConnected, readMessage, writeNotification } from "./wire.ts";

export type State = "closed" | "connected" | "connecting";

export interface ClientEvents {
  connecting: Record<never, never>;
  /** There is a line: the first, one after a loss, or a better one than before. */
  connected: {
    readonly client: string;
    readonly user?: string;
    readonly carrier: CarrierName;
    /** Whether the session goes on. */
    readonly recovered: boolean;
  };
  disconnected: { readonly code: number; readonly reason: string; readonly retryInMs: number };
  /** Somebody behind the server says something to this client alone; each once, also over a loss. */
  message: { readonly id: number; readonly data: unknown };
  /** It stays away: it was closed, or there is no sense in coming back. */
  closed: { readonly error?: TielineError };
}

/** How soon a line must answer that the page has just been given back to. */
const PROBE_WITHIN_MS = 2_000;

/** The longest that `setTimeout` waits; what is longer it does at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A client of channels. */
export class Tieline extends Emitter<ClientEvents> {
  readonly #url: URL;
  readonly #options: Options;
  readonly #tools: Tools;
  readonly #tokens;
  readonly #session;
  readonly #backoff;
  readonly #ladder;
  readonly #channels = new Map<string, Channel>();
  readonly #devices = new Map<string, Device>();
  readonly #asks: Asks & DeviceAsks;
  readonly #owner: Owner;
  readonly #unwatch: () => void;
  #state: State = "connecting";
  /** The line that is spoken on; `connect` may not be answered yet. */
  #line: Line | undefined;
  /** Every line that is not over: beside the one that is spoken on, one that may take its place. */
  readonly #lines = new Set<Line>();
  #isUp = false;
  #heartbeat: ReturnType<typeof createHeartbeat> | undefined;
  #connectedAt = 0;
  /** Rings when the session or the heartbeat has something to do. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #climbing: ReturnType<typeof setTimeout> | undefined;
  /** Ends the wait before coming back. */
  #wake: (() => void) | undefined;
  #turning = false;

  /** Opens a line to a route of the kind `channels`, and keeps it open until it is closed. */
  constructor(url: string | URL, options: Options = {}) {
    super();
    const page = (globalThis as { location?: { href: string } }).location?.href;
    this.#url = new URL(url, page);
    this.#url.protocol = this.#url.protocol.replace(/^ws/, "http");
    this.#url.hash = "";
    this.#options = options;
    this.#tools = {
      WebSocket: (options.WebSocket ?? globalThis.WebSocket) as Tools["WebSocket"],
      EventSource: (options.EventSource ?? globalThis.EventSource) as Tools["EventSource"],
      fetch: options.fetch ?? globalThis.fetch?.bind(globalThis),
    };
    const asked = options.carriers ?? ["websocket", "stream", "events", "poll"];
    const names = usable(asked, this.#tools);
    if (names.length === 0)
      throw new TielineError("unsupported", `none of ${asked.join(", ")} is there`);
    this.#ladder = createLadder(names, options.climbAfterMs ?? [30_000, 120_000, 600_000]);
    this.#tokens = createTokens(options.token);
    this.#session = createSession({
      callWithinMs: options.callWithinMs ?? 30_000,
      maxCalls: options.maxCalls ?? 1_000,
      maxCharacters: options.maxCharacters ?? 1_048_576,
    });
    this.#backoff = createBackoff({
      baseMs: options.baseMs ?? 500,
      maxMs: options.maxMs ?? 30_000,
      stableAfterMs: options.stableAfterMs ?? 10_000,
    });
    this.#asks = {
      askLine: (method, params, settle) => {
        this.#session.ask("line", method, params, Date.now(), settle);
        this.#turn();
      },
      askAgain: (method, params) => this.#ask("session", method, params),
      tellLine: (method, params) => {
        if (this.#isUp) this.#line?.send(writeNotification(method, params));
      },
      maxItems: options.maxItems ?? 1_000,
    };
    this.#owner = {
      opened: (line) => this.#opened(line),
      message: (line, text) => this.#message(line, text),
      alive: (line) => {
        if (line === this.#line) this.#heartbeat?.heard(Date.now());
      },
      ended: (line, end) => this.#ended(line, end),
    };
    this.#unwatch = watchNetwork(() => this.#probe());
    // Whoever made it listens first.
    queueMicrotask(() => void this.#run());
  }

  get state(): State {
    return this.#state;
  }

  /** What carries the line. */
  get carrier(): CarrierName | undefined {
    return this.#isUp ? this.#line?.name : undefined;
  }

  /** The channel of this name, `chat:lobby`, or all that begin alike, `news:*`: always the same object. */
  channel<T = unknown>(name: string): Channel<T> {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = new Channel(name, this.#asks);
      this.#channels.set(name, channel);
      if (this.#state === "closed") channel.close(new TielineError("closed"));
      else if (this.#isUp) channel.subscription.lineUp();
    }
    return channel as Channel<T>;
  }

  /**
   * Registers as a device, on every line that follows as well: it can be sent messages also while it is away. Done when the
   * server has it. A client is one device at a time.
   */
  async device<T = unknown>(id: string): Promise<Device<T>> {
    if (this.#state === "closed") throw new TielineError("closed");
    let device = this.#devices.get(id);
    if (!device || device.isOver) {
      device = new Device(id, this.#asks);
      this.#devices.set(id, device);
      if (this.#isUp) device.registration.lineUp();
    }
    try {
      await device.registration.want();
    } catch (error) {
      this.#devices.delete(id);
      throw error;
    }
    return device as Device<T>;
  }

  /**
   * Calls a method of the application behind the server; what it answers. It is never done twice: where nobody knows whether it
   * was, the error is `lost` or `timed-out`.
   */
  async call<T = unknown>(
    method: string,
    params?: readonly unknown[] | Readonly<Record<string, unknown>>,
  ): Promise<T> {
    return (await this.#ask("once", "call", { method, ...given({ params }) })) as T;
  }

  /** Shows a newer token on this line, before the one it has expires. */
  async refresh(): Promise<void> {
    const token = await this.#tokens.renew();
    if (token === undefined) throw new TielineError(TOKEN, "there is no token");
    await this.#ask("session", "refresh", { token });
  }

  /** Ends the line, and stays away; what waits is rejected. */
  close(): void {
    this.#close();
  }

  /** Line after line. */
  async #run(): Promise<void> {
    while (this.#state !== "closed") {
      this.#setState("connecting");
      const end = await this.#round();
      if (this.#isClosed()) return;
      const error = this.#finalError(end);
      if (error) {
        this.#close(error);
        return;
      }
      const waitsForToken = isOfToken(end.code);
      const waitMs = waitsForToken ? 0 : this.#backoff.next(Math.random());
      const retryInMs = Math.max(waitMs, end.told?.after ?? 0);
      this.emit("disconnected", { code: end.code, reason: end.reason, retryInMs });
      await this.#sleep(retryInMs);
    }
  }

  /** Tries one carrier after the other; how the line that worked ended, or the last that did not. */
  async #round(): Promise<LineEnd> {
    let end: LineEnd = { code: LOST, reason: "no carrier got through" };
    for (const name of this.#ladder.round()) {
      let line: Line;
      try {
        line = await this.#open(name);
      } catch (error) {
        // Nobody gives a token.
        end = { code: LOST, reason: String(error) };
        break;
      }
      if (this.#isClosed()) {
        line.end({ code: LOST, reason: "" });
        return end;
      }
      const failed = await line.connected;
      if (!failed) {
        this.#ladder.won(name);
        this.#climb();
        return this.#untilEnd(line);
      }
      end = failed;
      if (this.#isClosed() || isOfToken(end.code) || end.told) break;
    }
    this.#ladder.lost();
    this.#tokens.inDoubt();
    return end;
  }

  async #open(name: CarrierName): Promise<Line> {
    const token = await this.#tokens.current();
    const { connectWithinMs = 3_000, requestWithinMs = 30_000 } = this.#options;
    const where = { url: this.#url, token, tools: this.#tools, requestWithinMs };
    const open = (hears: Hears) => opener(name)(where, hears);
    const line = new Line(name, open, connectWithinMs, this.#owner);
    this.#lines.add(line);
    return line;
  }

  /** How the line ended; where a better one has taken its place, how that one did. */
  async #untilEnd(first: Line): Promise<LineEnd> {
    let line = first;
    for (;;) {
      const end = await line.ended;
      if (this.#line === undefined || this.#line === line) return end;
      line = this.#line;
    }
  }

  /** The line can be spoken on: from now on no other is heard, for the session goes on here. */
  #opened(line: Line): void {
    this.#lineDown();
    this.#line = line;
    // The token was shown when the line was opened.
    line.send(this.#session.connect(given({ name: this.#options.name })));
  }

  #message(line: Line, text: string): void {
    if (line !== this.#line) return;
    const now = Date.now();
    this.#heartbeat?.heard(now);
    const heard = readMessage(text);
    if (!heard || heard.kind === "unknown") return;
    if (heard.kind === "disconnect") {
      line.told = heard;
    } else if (!this.#isUp) {
      if (this.#session.isOfConnect(heard)) this.#connected(line, heard);
    } else {
      this.#session.heard(heard, text.length, now);
      this.#dispatch(heard);
    }
    this.#turn();
  }

  #connected(line: Line, heard: ReturnType<typeof readMessage>): void {
    if (heard?.kind === "error") {
      line.end({ code: heard.code, reason: heard.message });
      return;
    }
    const answer = heard?.kind === "answer" ? readConnected(heard.result) : undefined;
    if (!answer) {
      line.end({ code: LOST, reason: "the answer to connect is none" });
      return;
    }
    const now = Date.now();
    const { answerWithinMs = 10_000, silentMs = answer.ping * 1_000 } = this.#options;
    this.#heartbeat = createHeartbeat(silentMs, answerWithinMs, now);
    this.#tokens.accepted();
    this.#session.connected(answer);
    this.#isUp = true;
    this.#connectedAt = now;
    line.connect();
    this.#setState("connected");
    const { client, recovered, user } = answer;
    this.emit("connected", { client, recovered, carrier: line.name, ...given({ user }) });
    for (const channel of this.#channels.values()) channel.subscription.lineUp();
    for (const device of this.#devices.values()) device.registration.lineUp();
  }

  #dispatch(heard: NonNullable<ReturnType<typeof readMessage>>): void {
    switch (heard.kind) {
      case "publication": {
        const name = heard.pattern ?? heard.publication.channel;
        this.#channels.get(name)?.subscription.heard(heard);
        return;
      }
      case "gap": {
        const name = "pattern" in heard ? heard.pattern : heard.channel;
        this.#channels.get(name)?.subscription.heard(heard);
        return;
      }
      case "message":
        if (heard.device !== undefined) this.#devices.get(heard.device)?.heard(heard);
        else this.emit("message", { id: heard.id, data: heard.data });
        return;
      case "unregistered":
        this.#devices.get(heard.device)?.unregistered(heard.code, heard.reason);
        return;
      case "join":
      case "leave":
      case "unsubscribed":
        this.#channels.get(heard.channel)?.subscription.heard(heard);
    }
  }

  #ended(line: Line, { code, reason }: LineEnd): void {
    this.#lines.delete(line);
    if (line !== this.#line) return;
    if (this.#isUp) this.#backoff.wasOpen(Date.now() - this.#connectedAt);
    this.#lineDown(code);
    this.#line = undefined;
    // One that was to be better is not waited for; one whose session may have gone over to this line cannot go on.
    for (const other of this.#lines) other.end({ code: LOST, reason });
  }

  /** Nothing is heard any more of the line there was. */
  #lineDown(code?: number): void {
    clearTimeout(this.#climbing);
    this.#isUp = false;
    this.#heartbeat = undefined;
    this.#session.lost(code);
    for (const channel of this.#channels.values()) channel.subscription.lineDown();
    for (const device of this.#devices.values()) device.registration.lineDown();
  }

  /** Tries WebSocket again after a while, beside the line there is. */
  #climb(): void {
    const afterMs = this.#ladder.climbIn();
    if (afterMs === undefined) return;
    clearTimeout(this.#climbing);
    this.#climbing = setTimeout(() => void this.#tryBetter(), Math.min(afterMs, LONGEST_TIMER_MS));
  }

  async #tryBetter(): Promise<void> {
    const old = this.#line;
    const line = await this.#open("websocket").catch(() => undefined);
    if (line && this.#line !== old) line.end({ code: LOST, reason: "" });
    const failed = await line?.connected;
    if (line && !failed) {
      this.#ladder.won("websocket");
      old?.end({ code: SUPERSEDED, reason: "" });
    } else if (old && this.#line === old) {
      this.#climb();
    }
  }

  #ask(kind: Kind, method: string, params: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#state === "closed") {
        reject(new TielineError("closed"));
        return;
      }
      this.#session.ask(kind, method, params, Date.now(), (outcome) => {
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.result);
      });
      this.#turn();
    });
  }

  /** Says what there is to say, and sets the clock for what is next. What it causes is done in the same turn. */
  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    queueMicrotask(() => {
      this.#turning = false;
      if (this.#state === "closed") return;
      this.#due(Date.now());
      clearTimeout(this.#timer);
      const deadline = Math.min(this.#session.deadline(), this.#heartbeat?.deadline() ?? Infinity);
      if (deadline === Infinity) return;
      const waitMs = Math.min(Math.max(0, deadline - Date.now()), LONGEST_TIMER_MS);
      this.#timer = setTimeout(() => this.#turn(), waitMs);
    });
  }

  #due(now: number): void {
    const line = this.#line;
    let isDead = this.#session.handleTimeout(now);
    const due = this.#heartbeat?.turn(now);
    if (due === "ask") this.#ping();
    isDead ||= due === "dead";
    if (isDead && line && this.#isUp) {
      line.end({ code: LOST, reason: "the line says nothing any more" });
      return;
    }
    if (!line || !this.#isUp) return;
    for (const text of this.#session.takeOutgoing(now)) {
      line.send(text);
      this.#heartbeat?.said(now);
    }
  }

  #ping(): void {
    // Whatever comes counts as its answer.
    this.#session.ask("line", "ping", {}, Date.now(), () => {});
  }

  /** The network has changed, or somebody looks at the page again. */
  #probe(): void {
    this.#wake?.();
    if (!this.#heartbeat) return;
    this.#ping();
    this.#heartbeat.probe(Date.now(), PROBE_WITHIN_MS);
    this.#turn();
  }

  /** Why there is no sense in coming back, if there is none. */
  #finalError({ code, reason, told }: LineEnd): TielineError | undefined {
    if (isOfToken(code)) return this.#tokens.refused() ? undefined : new TielineError(code, reason);
    // A line that was given up has taken the session, late: it is taken back.
    if (code === SUPERSEDED) return undefined;
    const isFinal = told ? !told.reconnect : isForGood(code);
    return isFinal ? new TielineError(code, reason) : undefined;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMER_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #setState(state: State): void {
    if (this.#state === "closed") return;
    this.#state = state;
    if (state === "connecting") this.emit("connecting", {});
  }

  /** As a function, for the state may have changed while something was waited for. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #close(error?: TielineError): void {
    if (this.#isClosed()) return;
    this.#state = "closed";
    this.#unwatch();
    clearTimeout(this.#timer);
    for (const line of this.#lines) line.end({ code: 1000, reason: "" }, true);
    this.#wake?.();
    this.#session.end();
    const why = error ?? new TielineError("closed");
    for (const channel of this.#channels.values()) channel.close(why);
    for (const device of this.#devices.values()) device.close(why);
    this.emit("closed", given({ error }));
  }
}
