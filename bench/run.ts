/**
 * The measurements, one section after another. `--quick` is the same with fewer rounds and without the million users.
 * A whole run writes `results/` (JSON, Markdown, SVG); a part of it, named by `--only`, is only printed.
 */
import { parseArgs } from 'node:util'
import { describeMachine } from './rig/machine.ts'
import { SECTIONS, type SectionName, type Sections } from './measure/sections.ts'
import { printSections } from './report/console.ts'
import { type Results, writeResults } from './report/results.ts'

const HELP = `npm run bench -- [--quick] [--only ${Object.keys(SECTIONS).join('|')}]

  --quick   fewer rounds, no database of a million users: under 90 seconds
  --only    one section, or several with commas between them; printed, not kept`

function readArguments(): { quick: boolean; only: SectionName[] | undefined } {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      console.log(HELP)
      process.exit(0)
    }
    const only = values.only?.split(',')
    const unknown = only?.find((name) => !(name in SECTIONS))
    if (unknown !== undefined) throw new Error(`there is no section "${unknown}"`)
    return { quick: values.quick, only: only as SectionName[] | undefined }
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    process.exit(2)
  }
}

const { quick, only } = readArguments()
const start = performance.now()
const machine = describeMachine()
const sections: Sections = {}
for (const [name, section] of Object.entries(SECTIONS)) {
  const isWanted = only === undefined ? !section.onlyOnDemand : only.includes(name as SectionName)
  if (isWanted) Object.assign(sections, { [name]: await section.measure(quick) })
}
const seconds = Math.round((performance.now() - start) / 1000)
printSections(sections)
console.error(`Measured in ${seconds} s.`)
if (only === undefined)
  await writeResults({ quick, seconds, machine, sections: sections as Results['sections'] })
