/** The tables of a run on the console. */
import Table from 'cli-table3'
import type { Sections } from '../measure/sections.ts'
import { makeTables } from './tables.ts'

export function printSections(sections: Sections): void {
  for (const { title, head, rows } of Object.values(makeTables(sections)).flat()) {
    const table = new Table({
      head: [...head],
      colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
      style: { head: [], border: [], compact: true },
    })
    table.push(...rows.map((row) => Array.from(row)))
    console.log(`\n${title}\n${table.toString()}`)
  }
}
