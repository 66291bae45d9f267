/** What the results say, as the parts of documents, by name. */
import { makeGoalTable } from './goals.ts'
import { renderTable, renderTables } from './markdown.ts'
import type { Results } from './results.ts'
import { makeTables } from './tables.ts'

export function makeParts(results: Results): Readonly<Record<string, string>> {
  const tables = makeTables(results.sections)
  return {
    run: describeRun(results),
    goals: renderTable(makeGoalTable(results)),
    ...Object.fromEntries(
      Object.entries(tables).map(([name, section]) => [name, renderTables(section)]),
    ),
  }
}

function describeRun({ quick, seconds, machine }: Results): string {
  const { date, commit, processor, cores, memoryGiB, system, compatibilityDate, versions } = machine
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return (
    `Measured on ${date} at commit ${commit} in ${formatTime(seconds)}` +
    `${quick ? ', as a quick run' : ''}. ${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}; ` +
    `compatibility date ${compatibilityDate}; ${list.join(', ')}.`
  )
}

function formatTime(seconds: number): string {
  return seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`
}
