/**
 * What does D1 get of a query? Drizzle's query as text and names, made once and sent with every request, so the text is
 * short: no quotes, no white space to spare. Knows no table.
 */
import { is, Param, Placeholder, type SQL } from 'drizzle-orm'
import { CasingCache } from 'drizzle-orm/casing'

/** A statement as D1 takes it. */
export interface Statement<Name extends string> {
  readonly sql: string
  /** What it binds: the first name for `?1`, and so on. */
  readonly names: readonly Name[]
}

/**
 * Compiles a query whose names of tables and columns are plain words.
 *
 * @param query holds a placeholder for whatever a caller decides; all else becomes a constant in the text
 */
export function compile<Name extends string>(query: SQL): Statement<Name> {
  const names: string[] = []
  const { sql } = query.toQuery({
    casing: new CasingCache(),
    inlineParams: true,
    escapeName: (name) => name,
    escapeString: (text) => `'${text.replaceAll("'", "''")}'`,
    escapeParam: (_, chunk) => {
      const { name } = (is(chunk, Param) ? chunk.value : chunk) as Placeholder
      if (!names.includes(name)) names.push(name)
      return `?${names.indexOf(name) + 1}`
    },
  })
  return { sql: sql.replaceAll(/\s+/g, ' '), names: names as Name[] }
}
