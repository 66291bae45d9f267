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
    shares: renderTable(makeShares(results)),
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

**Shares of a deletion**

${shares}

${Object.values(sections).join('\n\n')}
`
}

function describeRun({ quick, seconds, machine }: Results): string {
  const { date, commit, processor, cores, memoryGiB, system, compatibilityDate, versions } = machine
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return (
    `Measured on ${date} at commit ${commit} in ${Math.round(seconds / 60)} minutes` +
    `${quick ? ', as a quick run' : ''}. ${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}; ` +
    `compatibility date ${compatibilityDate}; ${list.join(', ')}.`
  )
}

/** Out of which parts the median of a deletion is made, by the medians of the Workers that leave parts out. */
function makeShares({ sections }: Results): Table {
  const { summaries, cpu } = sections.core
  const shareOf = (plus: readonly string[], minus: readonly string[]): string[] => {
    const sum = (figure: (name: string) => number) =>
      plus.reduce((total, name) => total + figure(name), 0) -
      minus.reduce((total, name) => total + figure(name), 0)
    return [
      formatMs(sum((name) => summaries[name]!.p50)),
      ...(cpu ? [formatMs(sum((name) => cpu[name]!))] : []),
    ]
  }
  return {
    title: 'Shares of a deletion',
    head: ['share', 'p50, ms', ...(cpu ? ['CPU, ms'] : [])],
    rows: [
      ['HTTP and the runtime, for a Worker that does nothing', ...shareOf(['nothing'], [])],
      ['the barest batch, D1 included', ...shareOf(['barest batch'], ['nothing'])],
      ['the decision, in that batch', ...shareOf(['batch alone'], ['barest batch'])],
      ['least token, log line and answer', ...shareOf(['least deletion'], ['barest batch'])],
      [
        'all else: settings, routes, key set, limits in time, errors',
        ...shareOf(['deletion', 'barest batch'], ['batch alone', 'least deletion']),
      ],
      ['a deletion', ...shareOf(['deletion'], [])],
    ],
  }
}
