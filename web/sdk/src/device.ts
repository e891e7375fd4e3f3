// A device as the application sees it: what is sent to it, each once, and acknowledged when it was dealt with.

import { Emitter } from "./emitter.ts";
import { TielineError } from "./errors.ts";
import { createRegistration, type Registration, type RegistrationHooks } from "./registration.ts";

/** What somebody sent to a device. */
export interface DeviceMessage<T = unknown> {
  /** The same where it comes again. */
  readonly id: number;
  /** An object or an array; any other text as a string. */
  readonly data: T;
}

export interface DeviceEvents<T> {
  /** It is acknowledged when every listener is done; one that throws or rejects has it come again on the next line. */
  message: DeviceMessage<T>;
  /** The server has it, on the first line and on each that follows. */
  registered: Record<never, never>;
  /** It goes on over a line of another client. */
  unregistered: { readonly code: number; readonly reason: string };
  /** It could not be registered; it is tried again where the error's advice is `retry`. */
  error: TielineError;
}

/** What a device needs of its client. */
export interface DeviceAsks {
  readonly askLine: RegistrationHooks["ask"];
  /** Tells the server something on the line there is; without one it is left. */
  readonly tellLine: (method: string, params: object) => void;
}

/** Ids of messages that are remembered; the server has fewer than this on their way. */
const MAX_KNOWN = 1_024;

/** A device that this client is. */
export class Device<T = unknown>
  extends Emitter<DeviceEvents<T>>
  implements AsyncIterable<DeviceMessage<T>>
{
  readonly id: string;
  readonly #asks: DeviceAsks;
  /** @internal */
  readonly registration: Registration;
  /** What nobody has dealt with yet, the oldest first. */
  readonly #waiting: DeviceMessage<T>[] = [];
  /** Whether each message that has come was dealt with. */
  readonly #known = new Map<number, boolean>();
  /** Loops that wait for one. */
  readonly #loops: ((message: DeviceMessage<T> | undefined) => void)[] = [];
  #received: number[] = [];
  #isHandling = false;
  #isOver = false;

  /** @internal */
  constructor(id: string, asks: DeviceAsks) {
    super();
    this.id = id;
    this.#asks = asks;
    this.registration = createRegistration(id, {
      ask: asks.askLine,
      tell: (told) => {
        if (told.kind !== "registered" && !this.registration.isWanted()) this.#end();
        if (told.kind === "registered") this.emit("registered", {});
        else if (told.kind === "error") this.emit("error", told.error);
        else this.emit("unregistered", { code: told.code, reason: told.reason });
      },
    });
  }

  /** @internal Nothing more comes. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the server has it on this line. */
  get isRegistered(): boolean {
    return this.registration.isOn();
  }

  override on<K extends keyof DeviceEvents<T>>(
    name: K,
    listener: (event: DeviceEvents<T>[K]) => void,
  ): () => void {
    const off = super.on(name, listener);
    if (name === "message") this.#turn();
    return off;
  }

  /** Done when the server has forgotten the device, and what waits for it. */
  async unregister(): Promise<void> {
    await this.registration.forget();
    this.#end();
  }

  /**
   * What comes, for a `for await` loop, where nobody listens to `message`. A message is acknowledged when the loop asks for the
   * next one; the one with which a loop is left is given to the next loop once more.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<DeviceMessage<T>> {
    let given: DeviceMessage<T> | undefined;
    const iterator: AsyncIterableIterator<DeviceMessage<T>> = {
      next: async () => {
        if (given) this.#done(given);
        given = undefined;
        given = await this.#take();
        return given ? { done: false, value: given } : { done: true, value: undefined };
      },
      return: async () => {
        if (given) this.#waiting.unshift(given);
        given = undefined;
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** @internal A message has come, perhaps not for the first time. */
  heard(message: DeviceMessage): void {
    const isDone = this.#known.get(message.id);
    if (isDone) this.#acknowledge(message.id);
    if (isDone !== undefined) return;
    this.#known.set(message.id, false);
    this.#waiting.push(message as DeviceMessage<T>);
    this.#turn();
  }

  /** @internal The client is closed. */
  close(error: TielineError): void {
    this.registration.close(error);
    this.#end();
  }

  /** @internal The server says that it goes on elsewhere. */
  unregistered(code: number, reason: string): void {
    this.registration.unregistered(code, reason, new TielineError(code, reason));
  }

  /** Gives what waits to whoever wants it, one after the other. */
  #turn(): void {
    if (this.#isHandling) return;
    if (this.isHeard("message")) {
      const message = this.#waiting.shift();
      if (message) void this.#handle(message);
      return;
    }
    while (this.#loops.length > 0) {
      const message = this.#waiting.shift();
      if (!message) return;
      this.#loops.shift()?.(message);
    }
  }

  async #handle(message: DeviceMessage<T>): Promise<void> {
    this.#isHandling = true;
    if (await this.handle("message", message)) this.#done(message);
    // It was not dealt with: the next time that it comes it is as new.
    else this.#known.delete(message.id);
    this.#isHandling = false;
    this.#turn();
  }

  #take(): Promise<DeviceMessage<T> | undefined> {
    if (this.#isOver && this.#waiting.length === 0) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#loops.push(resolve);
      this.#turn();
    });
  }

  #done({ id }: DeviceMessage<T>): void {
    this.#known.set(id, true);
    for (const [known, isDone] of this.#known) {
      if (this.#known.size <= MAX_KNOWN) break;
      if (isDone) this.#known.delete(known);
    }
    this.#acknowledge(id);
  }

  /** Those of one turn are told together. */
  #acknowledge(id: number): void {
    this.#received.push(id);
    if (this.#received.length > 1) return;
    queueMicrotask(() => {
      const ids = this.#received;
      this.#received = [];
      this.#asks.tellLine("received", { ids });
    });
  }

  #end(): void {
    this.#isOver = true;
    for (const loop of this.#loops.splice(0)) loop(undefined);
  }
}
