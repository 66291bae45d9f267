/**
 * The tables of docs/reliability.md, made of what the tests have seen. Each stands between two comments, of which the
 * first names it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Advice } from '../../dev/advice.ts'
import { resultsOf, type Row } from './harness/results.ts'

const DOCUMENT = join(import.meta.dirname, '../../docs/reliability.md')
const TABLE = /<!-- table: ([\w-]+) -->.*?<!-- end of table -->/gs

function render(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const lines = [columns, columns.map(() => '---'), ...rows.map((row) => Object.values(row))]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function readRows(name: string): readonly Row[] {
  const file = resultsOf(name)
  if (!existsSync(file)) {
    throw new Advice(
      `The tests have left nothing for the table "${name}". Run: npm run test:faults`,
    )
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Row[]
}

/** The document, and how it would be with the tables that the tests have filled. */
function readDocument(): { readonly text: string; readonly filled: string } {
  const text = readFileSync(DOCUMENT, 'utf8')
  const filled = text.replaceAll(
    TABLE,
    (_, name: string) =>
      `<!-- table: ${name} -->\n\n${render(readRows(name))}\n\n<!-- end of table -->`,
  )
  return { text, filled }
}

/**
 * Compares the document with what the tests have seen.
 *
 * @throws Advice where they differ
 */
export function checkTables(): void {
  const { text, filled } = readDocument()
  if (text !== filled) {
    throw new Advice(
      'docs/reliability.md no longer says what the tests see.\n' +
        'Run: npm run test:faults -- --write, and read what has changed.',
    )
  }
  console.log('The tables of docs/reliability.md say what the tests have seen.')
}

/** Writes what the tests have seen into the document. */
export function writeTables(): void {
  writeFileSync(DOCUMENT, readDocument().filled)
  console.log('Wrote the tables of docs/reliability.md.')
}
