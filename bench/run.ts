/**
 * The measurements, one section after another. A whole run writes `results/` and docs/performance.md. A quick run, and a
 * run of single sections, only prints.
 */
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { Advice } from '../dev/advice.ts'
import { type SectionName, SECTIONS, type Sections } from './measure/sections.ts'
import { checkDocument, writeDocument, writeResults } from './report/documents.ts'
import { makeGoalTable } from './report/goals.ts'
import { makeTables } from './report/tables.ts'
import { describeMachine } from './support/machine.ts'

const NAMES = Object.keys(SECTIONS) as SectionName[]

const HELP = `npm run bench -- [--quick] [--only ${NAMES.join(',')}]
npm run bench -- --docs | --check

  --quick   fewer rounds, no database of a million users: under 90 seconds; printed, not kept
  --only    one section, or several with commas between them; printed, not kept
  --docs    measures nothing: writes the figures of bench/results into docs/performance.md
  --check   measures nothing: fails if docs/performance.md differs from bench/results`

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

const { quick, only, docs, check, help } = readOptions()
if (help) console.log(HELP)
else if (check) console.log(checkDocument())
else if (docs) writeDocument()
else await measure(quick, only)

function readOptions() {
  try {
    const { values } = parseArgs({
      args: process.argv.slice(3),
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: NAMES.join() },
        docs: { type: 'boolean' },
        check: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
    const only = values.only.split(',')
    const unknown = only.find((name) => !(name in SECTIONS))
    if (unknown !== undefined) throw new Error(`--only: there is no section "${unknown}".`)
    return { ...values, only: NAMES.filter((name) => only.includes(name)) }
  } catch (error) {
    throw new Advice(`${(error as Error).message}\n\n${HELP}`, { cause: error })
  }
}

async function measure(quick: boolean, only: readonly SectionName[]): Promise<void> {
  const start = performance.now()
  const machine = describeMachine()
  const measured: Partial<Record<SectionName, unknown>> = {}
  for (const name of only) measured[name] = await SECTIONS[name](quick)
  const sections = measured as Sections
  const seconds = Math.round((performance.now() - start) / 1000)
  const tables = [...Object.values(makeTables(sections)).flat(), makeGoalTable(sections)]
  for (const { title, head, rows } of tables) {
    const table = new Table({
      head: [...head],
      colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
      style: { head: [], border: [], compact: true },
    })
    table.push(...rows.map((row) => Array.from(row)))
    console.log(`\n${title}\n${table.toString()}`)
  }
  console.error(`\nMeasured in ${seconds} s.`)
  if (quick || only.length < NAMES.length) return
  writeResults({ minutes: Math.round(seconds / 60), machine, sections })
  console.error('Written: bench/results, docs/performance.md')
}
