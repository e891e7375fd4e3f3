// Who listens to what: events by their names.

type Listener<T> = (event: T) => void;

/** Tells what happens to whoever listens. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Listens until what it answers is called. */
  on<K extends keyof Events>(name: K, listener: Listener<Events[K]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Whether anybody listens to it. */
  protected isHeard(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  /** Tells, and waits until all who listen are done; whether none has thrown or rejected. */
  protected async handle<K extends keyof Events>(name: K, event: Events[K]): Promise<boolean> {
    const listeners = [...(this.#listeners.get(name) ?? [])] as Listener<Events[K]>[];
    const done = await Promise.allSettled(listeners.map(async (listener) => listener(event)));
    const failed = done.filter((it) => it.status === "rejected");
    for (const { reason } of failed) console.error(reason);
    return failed.length === 0;
  }

  /** One that throws takes nothing from the others. */
  protected emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Events[K]>)(event);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
