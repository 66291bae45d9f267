/**
 * What a query of Workers Logs picks out of log lines: the part of the telemetry API's query language that
 * docs/operations.md uses, so that its queries can be held against lines that a Worker has written.
 *
 * @see https://developers.cloudflare.com/api/resources/workers/subresources/observability/subresources/telemetry/
 */

type Value = string | number | boolean

/** A line with its members by path, as Workers Logs indexes them: `actor.subject`. */
export type Line = Readonly<Record<string, Value>>

/** `parameters` of a query. */
export interface Query {
  readonly filters: readonly {
    readonly key: string
    readonly operation: 'eq' | 'gt' | 'gte' | 'lt'
    readonly type: 'string' | 'number'
    readonly value: Value
  }[]
  readonly calculations: readonly {
    readonly operator: 'count' | 'median' | 'p99'
    readonly key?: string
    readonly keyType?: string
  }[]
  readonly groupBys?: readonly { readonly type: string; readonly value: string }[]
}

const OPERATIONS = {
  eq: (found: Value, value: Value) => found === value,
  gt: (found: Value, value: Value) => found > value,
  gte: (found: Value, value: Value) => found >= value,
  lt: (found: Value, value: Value) => found < value,
} as const

/** A parsed line with its members by path. */
export function flatten(line: object, prefix = ''): Line {
  return Object.fromEntries(
    Object.entries(line).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(flatten(value, `${prefix}${name}.`))
        : [[`${prefix}${name}`, value as Value]],
    ),
  )
}

/** The lines that pass every filter; the platform's own `$…` keys, such as the Worker's name, always pass. */
export function select({ filters }: Query, lines: readonly Line[]): Line[] {
  return lines.filter((line) =>
    filters.every(({ key, operation, value }) => {
      if (key.startsWith('$')) return true
      const found = line[key]
      return found !== undefined && OPERATIONS[operation](found, value)
    }),
  )
}

/** What is wrong with a query for such lines: an unknown operation, or a key that no line has as this type. */
export function findFaults(query: Query, lines: readonly Line[]): string[] {
  const operations = query.filters.map(({ operation }) => operation)
  const operators = query.calculations.map(({ operator }) => operator)
  const keys = [
    ...query.filters.map(({ key, type }) => [key, type] as const),
    ...query.filters.map(({ key, value }) => [key, typeof value] as const),
    ...query.calculations.flatMap(({ key, keyType }) => (key ? [[key, keyType] as const] : [])),
    ...(query.groupBys ?? []).map(({ value, type }) => [value, type] as const),
  ]
  return [
    ...operations.filter((operation) => !(operation in OPERATIONS)),
    ...operators.filter((operator) => !['count', 'median', 'p99'].includes(operator)),
    ...keys
      .filter(
        ([key, type]) => !key.startsWith('$') && !lines.some((line) => typeof line[key] === type),
      )
      .map(([key, type]) => `${key} is no ${type}`),
  ]
}
