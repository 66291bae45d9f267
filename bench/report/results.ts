/** Keeps a run: `results/full.*` is part of the project, `results/quick.*` is not. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sections } from '../measure/sections.ts'
import type { Machine } from '../rig/machine.ts'
import { RESULTS } from '../rig/paths.ts'

/** One whole run. */
export interface Results {
  readonly quick: boolean
  readonly seconds: number
  readonly machine: Machine
  readonly sections: Required<Omit<Sections, 'limit'>>
}

export async function writeResults(results: Results): Promise<void> {
  const name = results.quick ? 'quick' : 'full'
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`)
}
