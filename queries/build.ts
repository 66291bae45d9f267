/**
 * `npm run build:queries`: compiles the queries into `src/statements.ts`. With `--check` it writes nothing, and fails if
 * the file differs. Each statement is prepared on the migrated tables, so a name that no table has fails here.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { is, Placeholder, type SQLWrapper } from 'drizzle-orm'
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import { statements as ofDeletion } from './deletion.ts'
import { statements as ofEvents } from './events.ts'

const OUTPUT = join(import.meta.dirname, '../src/statements.ts')
const MIGRATIONS = join(import.meta.dirname, '../migrations')

const HEAD = `/**
 * The statements that D1 gets, and the names of the values that they bind: the first one for \`?1\`.
 * Compiled from \`queries/\` by \`npm run build:queries\`. Do not edit.
 */
`

/** White space, then a constant, a quoted name, a parameter, a parenthesis, or the text before the next of these. */
const TOKENS = /(\s*)('(?:[^']|'')*'|"\w+"|[?()]|[^\s'"?()]+)/g
const LINE_STARTS = /^(?:and|cross|from|group|left|limit|on|order|select|union|when|where)$/
/** A line breaks after the first comma beyond this length. */
const LONG_LINE = 70

/**
 * Numbers the parameters, removes the quotes from names, and breaks lines.
 *
 * @returns the lines, each with the number of open parentheses at its start, and the name of each parameter, once
 */
function compile(query: SQLWrapper) {
  const { sql, params } = new SQLiteSyncDialect().sqlToQuery(query.getSQL().inlineParams())
  const names: string[] = []
  const lines = []
  let [depth, line] = [0, { depth: 0, text: '' }]
  for (const [, space = '', token = ''] of sql.matchAll(TOKENS)) {
    if (space !== '' && isLineBreak(line.text, token)) {
      lines.push(line)
      line = { depth, text: '' }
    }
    if (token === '(') depth += 1
    if (token === ')') depth -= 1
    // SQLite reads a quoted name that does not exist as a text; a bare one is an error.
    // https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted
    const text = token === '?' ? numberParameter(params.shift()) : token.replace(/^"(.*)"$/, '$1')
    line.text += (space && ' ') + text
  }
  if (params.length > 0) throw new Error('a placeholder is inside a constant')
  return { lines: [...lines, line], names }

  function numberParameter(param: unknown): string {
    if (!is(param, Placeholder)) throw new Error('a parameter is no placeholder')
    if (!names.includes(param.name)) names.push(param.name)
    return `?${names.indexOf(param.name) + 1}`
  }
}

function isLineBreak(line: string, next: string): boolean {
  if (LINE_STARTS.test(next)) return !/\b(?:delete|union all)$/.test(line)
  return /\)(?: as \w+)?,$/.test(line) || (line.endsWith(',') && line.length > LONG_LINE)
}

/** One string a line, which esbuild joins: the file is readable, and D1 gets a text without line breaks. */
function print(name: string, { lines, names }: ReturnType<typeof compile>): string {
  const text = lines.map(({ depth, text }) => `    ${'  '.repeat(depth)}${JSON.stringify(text)}`)
  const list = names.map((name, index) => `    '${name}', // ?${index + 1}`)
  return `
export const ${name} = {
  sql:
${text.join(' +\n')},
  names: [
${list.join('\n')}
  ],
} as const
`
}

const migrated = new DatabaseSync(':memory:')
for (const file of readdirSync(MIGRATIONS).toSorted()) {
  migrated.exec(readFileSync(join(MIGRATIONS, file), 'utf8'))
}

let source = HEAD
for (const [name, query] of Object.entries({ ...ofDeletion, ...ofEvents })) {
  try {
    const statement = compile(query)
    migrated.prepare(statement.lines.map(({ text }) => text).join(''))
    source += print(name, statement)
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
  }
}
if (!process.argv.includes('--check')) writeFileSync(OUTPUT, source)
else if (readFileSync(OUTPUT, 'utf8') !== source) {
  console.error('src/statements.ts is not what queries/ compiles to. Run: npm run build:queries')
  process.exitCode = 1
}
