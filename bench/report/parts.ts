/** What the results say, as the parts of documents, by name. */
import { makeGoalTable } from './goals.ts'
import { renderTable, renderTables } from './markdown.ts'
import type { Results } from './results.ts'
import { formatMs, makeTables, type Table } from './tables.ts'

export function makeParts(results: Results): Readonly<Record<string, string>> {
  const tables = makeTables(results.sections)
  return {
    run: describeRun(results),
    goals: renderTable(makeGoalTable(results)),
    shares: renderTables(makeShares(results)),
    ...Object.fromEntries(
      Object.entries(tables).map(([name, section]) => [name, renderTables(section)]),
    ),
  }
}

/** The whole run as one Markdown file. */
export function renderResults(results: Results): string {
  const { run, goals, shares, ...sections } = makeParts(results)
  return `# Results

${run}

${goals}

${shares}

${Object.values(sections).join('\n\n')}
`
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

/** Names whose figures are added, and names whose figures are taken off. */
type Share = readonly [title: string, plus: readonly string[], minus?: readonly string[]]

const DELETION: readonly Share[] = [
  ['HTTP and the runtime, for a Worker that does nothing', ['nothing']],
  ['the barest batch, D1 included', ['barest batch'], ['nothing']],
  ['a fourth statement, for a report', ['batch with a report'], ['barest batch']],
  ['the decision, and what it has to report', ['batch alone'], ['batch with a report']],
  ['the least token, log line and answer', ['least deletion'], ['barest batch']],
  ['all else', ['deletion', 'barest batch'], ['batch alone', 'least deletion']],
  ['a deletion', ['deletion']],
]

const REFUSAL: readonly Share[] = [
  ['HTTP and the runtime, for a Worker that does nothing', ['nothing']],
  [
    'the least log line and answer, a token verified by hand',
    ['least refusal, by hand'],
    ['nothing'],
  ],
  ['jose in place of a few lines by hand', ['least refusal'], ['least refusal, by hand']],
  ['all else', ['refused token'], ['least refusal']],
  ['a refused token', ['refused token']],
]

/** Out of which parts a median is made, by the medians of the Workers that leave parts out. */
function makeShares({ sections }: Results): Table[] {
  const { summaries, cpu } = sections.limit
  const figures = [(name: string) => summaries[name]!.p50]
  if (cpu !== undefined) figures.push((name) => cpu[name]!)
  const makeTable = (title: string, shares: readonly Share[]): Table => ({
    title,
    head: ['share', 'p50, ms'].concat(cpu ? 'CPU, ms' : []),
    rows: shares.map(([share, plus, minus = []]) =>
      [share].concat(
        figures.map((figure) => formatMs(sum(plus.map(figure)) - sum(minus.map(figure)))),
      ),
    ),
  })
  return [
    makeTable('Shares of a deletion', DELETION),
    makeTable('Shares of a refused token', REFUSAL),
  ]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
