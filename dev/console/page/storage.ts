/**
 * What this tab remembers over a reload and a visit to the provider: JSON in its session storage.
 */

/** What was saved under a name, or else `fallback`. */
export function load<T>(name: string, fallback: T): T {
  const text = sessionStorage.getItem(name)
  return text === null ? fallback : (JSON.parse(text) as T)
}

/** Saves a value under a name; undefined forgets it. */
export function save(name: string, value: unknown): void {
  if (value === undefined) sessionStorage.removeItem(name)
  else sessionStorage.setItem(name, JSON.stringify(value))
}
