/** Keeps a run in `results/`, and writes its figures into the documents: each part between markers. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Advice } from '../../dev/advice.ts'
import type { Sections } from '../measure/sections.ts'
import type { Machine } from '../support/machine.ts'
import { ROOT } from '../../dev/wrangler.ts'
import { makeGoalTable } from './goals.ts'
import { makeTables, renderTable, type Table } from './tables.ts'

/** One whole run. */
export interface Results {
  readonly minutes: number
  readonly machine: Machine
  readonly sections: Sections
  /** The tables of the simulation. */
  readonly scaling: Readonly<Record<string, Table>>
}

const RESULTS = join(ROOT, 'bench', 'results')
const RUN = join(RESULTS, 'full.json')

/** Writes a run, its charts, and the documents. */
export async function writeResults(results: Results): Promise<void> {
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(RUN, `${JSON.stringify(results, null, 1)}\n`)
  const { drawCharts } = await import('./charts.ts')
  for (const [name, svg] of Object.entries(await drawCharts(results.sections))) {
    writeFileSync(join(RESULTS, `${name}.svg`), svg)
  }
  writeDocuments()
}

/** Puts the kept run into the documents. */
export function writeDocuments(): void {
  for (const [path, text] of makeDocuments()) writeFileSync(path, text)
}

/** The documents that differ from the kept run. */
export function findDriftedDocuments(): string[] {
  return [...makeDocuments()]
    .filter(([path, text]) => readFileSync(path, 'utf8') !== text)
    .map(([path]) => path.slice(ROOT.length))
}

function makeDocuments(): Map<string, string> {
  const parts = makeParts(readResults())
  return new Map(
    ['performance.md', 'scaling.md'].map((name) => {
      const path = join(ROOT, 'docs', name)
      return [path, fillDocument(readFileSync(path, 'utf8'), parts)]
    }),
  )
}

function readResults(): Results {
  try {
    return JSON.parse(readFileSync(RUN, 'utf8')) as Results
  } catch (error) {
    throw new Advice('bench/results has no full run. Make one: npm run bench', { cause: error })
  }
}

function makeParts({ minutes, machine, sections, scaling }: Results): Record<string, string> {
  const { date, commit, computer, versions } = machine
  const parts: Record<string, string> = {
    run: `Measured on ${date} at commit ${commit} in ${minutes} minutes. ${computer}; ${versions}.`,
    goals: renderTable(makeGoalTable(sections)),
  }
  for (const [name, tables] of Object.entries(makeTables(sections))) {
    const texts = tables.map((table) => `**${table.title}**\n\n${renderTable(table)}`)
    parts[name] = texts.join('\n\n') || 'Not measured.'
  }
  for (const [name, table] of Object.entries(scaling)) parts[name] = renderTable(table)
  return parts
}

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
