/**
 * The documents agree with the code (variables, reasons, causes, version), their links lead somewhere, and the
 * description of the API is valid.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { marked, type Token } from 'marked'
import { expect, test } from 'vitest'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { readConfig, readCorsOrigins, type Environment } from '../../src/config'
import { IdentityError, REASONS, type Reason } from '../../src/errors'
import { JWKS_FAULTS } from '../../src/jwks'
import { written } from '../support/openapi'
import { readCodeSpans, readDocument, type Table } from './document'

const operations = await readDocument('docs/operations.md')
const reasons = Object.keys(REASONS) as Reason[]

/** Returns the cells of each row by their column, under the first code span of the row. */
function byName({ columns, rows }: Table): Map<string, Readonly<Record<string, string>>> {
  return new Map(
    rows.map((row) => [
      readCodeSpans(row[0] ?? '')[0] ?? '',
      Object.fromEntries(columns.map((column, index) => [column, row[index] ?? ''])),
    ]),
  )
}

test('the table of variables in README.md has every variable with the default of the code', async () => {
  const set = {
    DB: { batch() {} },
    TOKEN_ISSUER: 'https://issuer.example',
    TOKEN_AUDIENCE: 'identity',
    JWKS_URL: 'https://issuer.example/jwks',
  } as unknown as Environment
  const config = readConfig(set)
  const defaults = {
    TOKEN_ISSUER: 'required',
    TOKEN_AUDIENCE: 'required',
    JWKS_URL: 'required',
    TOKEN_TYPE: config.tokenType,
    TOKEN_ALGORITHMS: config.algorithms.join(', '),
    REQUIRED_SCOPE: config.requiredScope,
    CORS_ORIGINS: Array.from(readCorsOrigins(set) ?? []).join() || undefined,
    KEEP_LAST_ADMINISTRATOR: config.keepLastAdministrator,
    MEMBERS_MAY_LEAVE: config.membersMayLeave,
    RECORD_GROUPS: config.recordGroups,
    DELETION_RECORD_DAYS: config.deletionRecordDays,
    DPOP: config.dpop,
  } satisfies Record<keyof typeof VARIABLES, unknown>
  const described = byName((await readDocument('README.md')).section('Configuration').tables[0]!)
  expect([...described].map(([name, row]) => [name, row['default']?.replaceAll('`', '')])).toEqual(
    Object.entries(defaults).map(([name, value]) => [name, String(value ?? 'none')]),
  )
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

test('the runbook names only reasons that the code has', async () => {
  const causes = (await readDocument('docs/runbook.md')).tables[0]!.rows.map(
    ([, cause = '']) => cause,
  )
  const named = causes.flatMap(readCodeSpans).filter((name) => /^(jwt|dpop|caller)_/.test(name))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((name) => !Object.hasOwn(REASONS, name))).toEqual([])
})

test('the table of causes has every cause of a key refresh failure', () => {
  const described = byName(operations.section('Key refresh failures').tables[0]!)
  expect([...described.keys()].toSorted()).toEqual(JWKS_FAULTS.toSorted())
})

test('the changelog begins with Unreleased and the version of the package', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
  const { headings } = (await readDocument('CHANGELOG.md')).section('Changelog')
  expect(headings[0]).toBe('[Unreleased]')
  expect(headings[1]).toMatch(
    new RegExp(`^\\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d\\d-\\d\\d$`),
  )
})

test('CONTRIBUTING.md names files that exist', async () => {
  const { text } = await readDocument('CONTRIBUTING.md')
  const named = text.matchAll(/(?<![\w./])(?:src|queries|test|docs|migrations|\.ci)\/[\w./-]*\w/g)
  const paths = Array.from(named, ([path]) => path)
  expect(paths.length).toBeGreaterThan(10)
  expect(paths.filter((path) => !existsSync(path))).toEqual([])
})

/** Returns every token of a document, the nested ones too. */
async function readTokens(path: string): Promise<Token[]> {
  const tokens: Token[] = []
  const document = marked.lexer(await readFile(path, 'utf8'))
  void marked.walkTokens(document, (token) => void tokens.push(token)) // synchronous, as its callback is
  return tokens
}

/** Returns the anchors that GitHub gives to the headings of a document. */
async function readAnchors(path: string): Promise<string[]> {
  const headings = (await readTokens(path)).filter(({ type }) => type === 'heading')
  return headings.map((heading) =>
    String((heading as { text?: string }).text)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every link inside the project leads to a file and a heading that exist', async () => {
  const pages = (await readdir('docs')).map((name) => `docs/${name}`)
  const examples = (await readdir('examples')).map((name) => `examples/${name}/README.md`)
  const documents = [...(await readdir('.')), ...pages, ...examples].filter(
    (name) => name.endsWith('.md') && existsSync(name),
  )
  const broken: string[] = []
  let count = 0
  for (const path of documents) {
    for (const token of await readTokens(path)) {
      const href = token.type === 'link' || token.type === 'image' ? String(token.href) : ''
      if (href === '' || /^[a-z]+:/.test(href)) continue
      count += 1
      const [file = '', anchor] = href.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      const exists =
        existsSync(target) && (anchor === undefined || (await readAnchors(target)).includes(anchor))
      if (!exists) broken.push(`${path}: ${href}`)
    }
  }
  expect(broken).toEqual([])
  expect(count).toBeGreaterThan(30)
})

test('docs/openapi.yaml is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(written))
  expect(result).toEqual({ valid: true })
  expect(written['openapi']).toMatch(/^3\.1\./)
})
