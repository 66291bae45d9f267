/**
 * Pages of docs/ with a table that the tests write. Vitest compares them with the files; `npm run test:faults -- --write`
 * writes the files.
 */

/** One row of a table: the cells by the names of their columns. */
export type Row = Readonly<Record<string, string | number>>

/** A page with one table. A case that did not run has no row. */
export function renderPage(title: string, rows: readonly (Row | undefined)[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => Object.values(row ?? { '': 'this case did not run' }))
  const lines = [columns, columns.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`)
  const about =
    '[Reliability](reliability.md) explains this table; `npm run test:faults` checks it.'
  return [`# ${title}`, '', about, '', ...lines, ''].join('\n')
}
