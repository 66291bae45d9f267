/**
 * The measurements, one section after another. `--quick` is the same with fewer rounds and without the million users.
 * A whole run writes `results/` (JSON, SVG); a part of it, named by `--only`, is only printed.
 *
 * What is not needed is not loaded: `--check` works before this folder's packages are installed.
 */
import { parseArgs } from 'node:util'
import { Advice } from './rig/advice.ts'
import type { SectionName, Sections } from './measure/sections.ts'
import type { Results } from './report/results.ts'

const NAMES: readonly SectionName[] = [
  'limit',
  'core',
  'counts',
  'growth',
  'distance',
  'cold',
  'keys',
  'size',
]

const HELP = `npm run bench -- [--quick] [--only ${NAMES.join('|')}] [--docs] [--check]

  --quick   fewer rounds, no database of a million users: under 90 seconds
  --only    one section, or several with commas between them; printed, not kept
  --docs    measures nothing: writes the documents anew from bench/results
  --check   measures nothing: fails where a document says something else than bench/results`

const { quick, only, docs, check } = readArguments()
try {
  if (check) await checkDocuments()
  else if (docs) await renewDocuments()
  else await measure()
} catch (error) {
  console.error(error instanceof Advice ? error.message : error)
  process.exitCode = 1
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        docs: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      console.log(HELP)
      process.exit(0)
    }
    const only = values.only?.split(',')
    const unknown = only?.find((name) => !NAMES.includes(name as SectionName))
    if (unknown !== undefined) throw new Error(`There is no section "${unknown}".`)
    return { ...values, only: only as SectionName[] | undefined }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    process.exit(2)
  }
}

async function measure(): Promise<void> {
  const { describeMachine } = await import('./rig/machine.ts')
  const { cleanUpAtExit } = await import('./rig/runtime.ts')
  const { SECTIONS } = await import('./measure/sections.ts')
  const { printSections } = await import('./report/console.ts')
  const { writeResults } = await import('./report/results.ts')
  cleanUpAtExit()
  const start = performance.now()
  const machine = describeMachine()
  const sections: Sections = {}
  for (const name of NAMES) {
    if (only !== undefined && !only.includes(name)) continue
    Object.assign(sections, { [name]: await SECTIONS[name].measure(quick) })
  }
  const seconds = Math.round((performance.now() - start) / 1000)
  printSections(sections)
  console.error(`\nMeasured in ${seconds} s.`)
  if (only !== undefined) return
  const files = await writeResults({
    quick,
    seconds,
    machine,
    sections: sections as Results['sections'],
  })
  console.error(`Written to bench/results: ${files.join(', ')}`)
  if (!quick) await renewDocuments()
}

async function renewDocuments(): Promise<void> {
  const { simulateScaling } = await import('./scaling/simulate.ts')
  const { writeDocuments } = await import('./report/documents.ts')
  console.error('Simulating many databases …')
  await simulateScaling()
  writeDocuments()
  console.error('docs/performance.md and docs/scaling.md show bench/results.')
}

async function checkDocuments(): Promise<void> {
  const { findDriftedDocuments } = await import('./report/documents.ts')
  const drifted = findDriftedDocuments()
  if (drifted.length === 0) {
    console.log('The documents say what bench/results says.')
    return
  }
  console.error(`Not what bench/results says: ${drifted.join(', ')}`)
  console.error('Figures come from there by script: npm run bench -- --docs')
  process.exitCode = 1
}
