// What waits for a loop that takes it: bounded, and what was dropped is told.

export interface Feed<T> extends AsyncIterableIterator<T> {
  push(item: T): void;
  /** What waits is still given, and then the end, or the error. */
  end(error?: Error): void;
}

/** Holds at most `max` items: the oldest are dropped, and `dropped` says in their place how many. */
export function createFeed<T>(
  max: number,
  dropped: (count: number) => T,
  over: () => void,
): Feed<T> {
  let items: T[] = [];
  let missed = 0;
  let asked: { resolve(result: IteratorResult<T>): void; reject(error: Error): void }[] = [];
  let isOver = false;
  let failure: Error | undefined;
  const finished: IteratorResult<T> = { done: true, value: undefined };

  const feed: Feed<T> = {
    push(item) {
      if (isOver) return;
      const waiting = asked.shift();
      if (waiting) {
        waiting.resolve({ done: false, value: item });
        return;
      }
      items.push(item);
      if (items.length > max) {
        items.shift();
        missed += 1;
      }
    },
    end(error) {
      if (isOver) return;
      isOver = true;
      const waiting = asked;
      asked = [];
      if (waiting.length === 0) failure = error;
      for (const { resolve, reject } of waiting) error ? reject(error) : resolve(finished);
      over();
    },
    next() {
      if (missed > 0) {
        const value = dropped(missed);
        missed = 0;
        return Promise.resolve({ done: false, value });
      }
      const value = items.shift();
      if (value !== undefined) return Promise.resolve({ done: false, value });
      if (failure) {
        const error = failure;
        failure = undefined;
        return Promise.reject(error);
      }
      if (isOver) return Promise.resolve(finished);
      return new Promise((resolve, reject) => asked.push({ resolve, reject }));
    },
    return() {
      items = [];
      missed = 0;
      feed.end();
      return Promise.resolve(finished);
    },
    [Symbol.asyncIterator]: () => feed,
  };
  return feed;
}
