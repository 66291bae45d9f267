/**
 * The tables of the documents say what the code says: variables, reasons, causes.
 */
import { access, readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { readConfig, readCorsOrigins, type Environment } from '../../src/config'
import { IdentityError, REASONS, type Reason } from '../../src/errors'
import { JWKS_FAULTS } from '../../src/jwks'
import { readCodeSpans, readDocument, type Section, type Table } from './document'

let operations: Section

beforeAll(async () => {
  operations = await readDocument('docs/operations.md')
})

/** The first code span of each row's first cell, with the row's cells by their column. */
function byName({ columns, rows }: Table): Map<string, Readonly<Record<string, string>>> {
  return new Map(
    rows.map((row) => [
      readCodeSpans(row[0] ?? '')[0] ?? '',
      Object.fromEntries(columns.map((column, index) => [column, row[index] ?? ''])),
    ]),
  )
}

const reasons = Object.keys(REASONS) as Reason[]

describe('the table of variables in README.md', () => {
  let described: ReturnType<typeof byName>

  beforeAll(async () => {
    described = byName((await readDocument('README.md')).section('Configuration').tables[0]!)
  })

  test('has every variable', () => {
    expect([...described.keys()]).toEqual(Object.keys(VARIABLES))
  })

  test('says what the code takes for one that is not set', () => {
    const set = {
      DB: { batch() {} },
      TOKEN_ISSUER: 'https://issuer.example',
      TOKEN_AUDIENCE: 'identity',
      JWKS_URL: 'https://issuer.example/jwks',
    } as unknown as Environment
    const config = readConfig(set)
    const origins = readCorsOrigins(set)
    const values: Readonly<
      Record<Exclude<keyof Environment, 'DB' | 'ISSUER' | 'DELETION_EVENTS'>, string>
    > = {
      TOKEN_ISSUER: 'required',
      TOKEN_AUDIENCE: 'required',
      JWKS_URL: 'required',
      TOKEN_TYPE: String(config.tokenType),
      TOKEN_ALGORITHMS: config.algorithms.join(', '),
      REQUIRED_SCOPE: config.requiredScope ?? 'none',
      CORS_ORIGINS: origins === '*' ? '*' : [...(origins ?? [])].join() || 'none',
      KEEP_LAST_ADMINISTRATOR: String(config.keepLastAdministrator),
      MEMBERS_MAY_LEAVE: String(config.membersMayLeave),
      RECORD_GROUPS: String(config.recordGroups),
      DELETION_RECORD_DAYS: String(config.deletionRecordDays ?? 'none'),
      DPOP: config.dpop ?? 'none',
    }
    const defaults = [...described].map(([name, row]) => [
      name,
      row['default']?.replaceAll('`', ''),
    ])
    expect(Object.fromEntries(defaults)).toEqual(values)
    for (const [name, value] of Object.entries(values)) {
      if (value !== 'required') continue
      expect(() => readConfig({ ...set, [name]: '' })).toThrow(
        expect.objectContaining({ reason: 'configuration', detail: name }),
      )
    }
  })
})

test('the Deploy button describes the database and every variable', async () => {
  const { cloudflare } = JSON.parse(await readFile('package.json', 'utf8')) as {
    cloudflare: { bindings: Record<string, { description: string }> }
  }
  expect(Object.keys(cloudflare.bindings)).toEqual(['DB', ...Object.keys(VARIABLES)])
  const texts = Object.values(cloudflare.bindings).map(({ description }) => description)
  expect(texts.filter((text) => !text.endsWith('.'))).toEqual([])
})

test('the table of reasons has every reason of the code, each with its status', async () => {
  expect(reasons.length).toBeGreaterThan(0)
  const described = byName(operations.section('The reasons').tables[0]!)
  const statuses = [...described].map(([name, row]) => [name, Number(row['status'])])
  expect(statuses).toEqual(
    reasons.map((reason) => [reason, new IdentityError(reason).response.status]),
  )
  for (const [reason, row] of described) {
    const isSaid = Boolean(row['meaning']) && Boolean(row['what to do'])
    expect({ reason, isSaid }).toEqual({ reason, isSaid: true })
  }
})

test('the runbook has every failure, and no reason that the code does not have', async () => {
  const failures = reasons.filter((reason) => new IdentityError(reason).response.status === 500)
  const runbook = await readDocument('docs/runbook.md')
  const named = runbook.tables[0]!.rows.flatMap(([, cause = '']) => readCodeSpans(cause))
  const namedReasons = named.map((name) => name.split(':')[0] ?? '')
  expect(failures.filter((reason) => !namedReasons.includes(reason))).toEqual([])
  const likeReasons = namedReasons.filter((name) => /^(jwt|jwks|caller|database|token)_/.test(name))
  const others = ['jwks_refresh_failed']
  expect(likeReasons.filter((name) => ![...reasons, ...others].includes(name))).toEqual([])
})

test('the table of causes has every cause for which keys are not refreshed', () => {
  const described = byName(operations.section('The other line').tables[0]!)
  expect([...described.keys()].toSorted()).toEqual(JWKS_FAULTS.toSorted())
})

test('the changelog begins with what is unreleased, and then has the version of the package', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
  const { headings } = (await readDocument('CHANGELOG.md')).section('Changelog')
  expect(headings[0]).toBe('[Unreleased]')
  expect(headings[1]).toMatch(
    new RegExp(`^\\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d\\d-\\d\\d$`),
  )
})

test('every file that the contribution guide names is there', async () => {
  const { text } = await readDocument('CONTRIBUTING.md')
  const named = text.matchAll(/(?<![\w./])(?:src|queries|test|docs|migrations|\.ci)\/[\w./-]*\w/g)
  const paths = [...new Set(Array.from(named, ([path]) => path))]
  expect(paths.length).toBeGreaterThan(10)
  const present = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => path,
        () => '',
      ),
    ),
  )
  expect(paths.filter((path) => !present.includes(path))).toEqual([])
})
