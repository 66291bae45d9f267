/** Keeps a run in `results/`, and writes its figures into docs/performance.md: each part between markers. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Advice } from '../../dev/advice.ts'
import { ROOT } from '../../dev/wrangler.ts'
import type { Sections } from '../measure/sections.ts'
import type { Machine } from '../support/machine.ts'
import { makeGoalTable } from './goals.ts'
import { makeTables, renderTable } from './tables.ts'

/** One whole run. */
export interface Results {
  readonly minutes: number
  readonly machine: Machine
  readonly sections: Sections
}

const RUN = join(ROOT, 'bench', 'results', 'full.json')
const DOCUMENT = join(ROOT, 'docs', 'performance.md')

/** Keeps a run, and writes its figures into the document. */
export function writeResults(results: Results): void {
  writeFileSync(RUN, `${JSON.stringify(results, null, 1)}\n`)
  writeDocument()
}

/** Writes the figures of the kept run into the document. */
export function writeDocument(): void {
  writeFileSync(DOCUMENT, makeDocument())
}

/**
 * Says that the document shows the kept run.
 *
 * @throws Advice if it does not
 */
export function checkDocument(): string {
  if (readFileSync(DOCUMENT, 'utf8') === makeDocument()) return 'The document shows bench/results.'
  throw new Advice(
    'docs/performance.md differs from bench/results. Write the figures: npm run bench -- --docs',
  )
}

function makeDocument(): string {
  return fillDocument(readFileSync(DOCUMENT, 'utf8'), makeParts(readResults()))
}

function readResults(): Results {
  try {
    return JSON.parse(readFileSync(RUN, 'utf8')) as Results
  } catch (error) {
    throw new Advice('bench/results has no full run. Make one: npm run bench', { cause: error })
  }
}

function makeParts({ minutes, machine, sections }: Results): Record<string, string> {
  const { date, commit, computer, versions } = machine
  const parts: Record<string, string> = {
    run: wrap(
      `Measured on ${date} at commit ${commit} in ${minutes} minutes. ${computer}; ${versions}.`,
    ),
    goals: renderTable(makeGoalTable(sections)),
  }
  for (const [name, tables] of Object.entries(makeTables(sections))) {
    parts[name] = tables
      .filter(({ rows }) => rows.length > 0)
      .map(renderTable)
      .join('\n\n')
  }
  return parts
}

/** Text in lines of at most 120 characters. */
const wrap = (text: string): string => text.replaceAll(/(.{1,120})(?: |$)/g, '$1\n').trimEnd()

const PART = /(<!-- figures: (?<name>[\w-]+) -->\n)[^]*?(\n<!-- end of figures -->)/g

/**
 * The document with new text between `<!-- figures: name -->` and `<!-- end of figures -->`.
 *
 * @throws Error if no part has that name
 */
export function fillDocument(text: string, parts: Readonly<Record<string, string>>): string {
  return text.replaceAll(PART, (...match) => {
    const { name } = match.at(-1) as { name: string }
    const part = parts[name]
    if (part === undefined) throw new Error(`the results have no part "${name}"`)
    return `${match[1]}\n${part}\n${match[3]}`
  })
}
