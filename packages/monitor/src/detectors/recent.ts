/** A map that forgets the least recently used key beyond a limit, so that memory has an end. */

/** Values by key, the most recent kept. */
export interface Recent<Value> {
  readonly size: number;
  /** The value of a key, made if it is new; the key becomes the most recent. */
  take(key: string, make: () => Value): Value;
  /** Keys and values, least recent first. */
  entries(): [string, Value][];
}

/** An empty map of at most `keysMax` keys, or one with the given entries. */
export function recent<Value>(
  keysMax: number,
  entries: Iterable<readonly [string, Value]> = [],
): Recent<Value> {
  const map = new Map(entries);
  return {
    get size() {
      return map.size;
    },
    take: (key, make) => {
      const value = map.get(key) ?? make();
      map.delete(key);
      map.set(key, value);
      if (map.size > keysMax) {
        const [oldest] = map.keys();
        if (oldest !== undefined) map.delete(oldest);
      }
      return value;
    },
    entries: () => [...map],
  };
}
