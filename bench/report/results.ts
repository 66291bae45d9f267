/**
 * Keeps a run: as JSON and in charts. `results/full.*` is part of the project and what its documents
 * show; `results/quick.*` is not.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sections } from '../measure/sections.ts'
import type { Machine } from '../rig/machine.ts'
import { RESULTS } from '../rig/paths.ts'

/** One whole run. */
export interface Results {
  readonly quick: boolean
  readonly seconds: number
  readonly machine: Machine
  readonly sections: Required<Sections>
}

const nameOf = (quick: boolean): string => (quick ? 'quick' : 'full')

/** Writes a run and what is made from it, and gives the files. */
export async function writeResults(results: Results): Promise<string[]> {
  mkdirSync(RESULTS, { recursive: true })
  const name = nameOf(results.quick)
  const { drawCharts } = await import('./charts.ts')
  const files: Record<string, string> = {
    [`${name}.json`]: `${JSON.stringify(results, null, 2)}\n`,
  }
  for (const [chart, svg] of Object.entries(await drawCharts(results))) {
    files[`${name}-${chart}.svg`] = svg
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(RESULTS, file), text)
  return Object.keys(files)
}

/** The kept run, or undefined where there is none. */
export function readResults(): Results | undefined {
  try {
    return JSON.parse(readFileSync(join(RESULTS, 'full.json'), 'utf8')) as Results
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
