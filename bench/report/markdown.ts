/** Tables as Markdown, and documents whose marked parts are made from results: whoever edits one edits around them. */
import type { Table } from './tables.ts'

/** A table as GitHub's Markdown has it: the first column to the left, figures to the right. */
export function renderTable({ head, rows }: Table): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Tables with their titles. */
export function renderTables(tables: readonly Table[]): string {
  return tables.map((table) => `**${table.title}**\n\n${renderTable(table)}`).join('\n\n')
}

const BLOCK = /(<!-- figures: (?<name>[\w-]+) -->\n)[^]*?(\n<!-- end of figures -->)/g

/**
 * The document with each part between `<!-- figures: name -->` and `<!-- end of figures -->` made anew.
 *
 * @throws Error where the document asks for a part that the results do not have
 */
export function fillDocument(text: string, parts: Readonly<Record<string, string>>): string {
  return text.replaceAll(BLOCK, (...match) => {
    const { name } = match.at(-1) as { name: string }
    const part = parts[name]
    if (part === undefined) throw new Error(`no results are called "${name}"`)
    return `${match[1]}\n${part}\n${match[3]}`
  })
}
