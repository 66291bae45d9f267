/**
 * The types of callers: a copy of `src/identity.ts`, in a folder outside this project, or the output of `wrangler types`.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, expectTypeOf, test } from 'vitest'
import { writeIdentityConfig, type VARIABLES } from '../../dev/identity-worker.ts'
import { localEnvironment } from '../../dev/wrangler.ts'
import type { Environment } from '../../src/config'
import type * as worker from '../../src/index'
import type * as declared from '../../src/identity'
import { readDocument } from '../operations/document'
import { createFolder } from '../support/node/folder'
import { readDocumentedCallers } from './test-workers'

const ROOT = join(import.meta.dirname, '../..')
/** Compiler options of a caller beyond the documented ones. */
const STRICTER = ['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess']

/** A use of each published type. Each error that is expected must be one, or the compiler complains. */
const USES = `import type { Identity, DeleteUserFailure, DeleteUserOutcome, DeleteUserRequest } from './identity'

export async function use(IDENTITY: Service<Identity>): Promise<Response> {
  const request: DeleteUserRequest = { token: 't', organizationID: 'o', userID: 'u' }
  const outcome: DeleteUserOutcome = await IDENTITY.deleteUser(request)
  // @ts-expect-error a token is missing
  await IDENTITY.deleteUser({ organizationID: 'o', userID: 'u' })
  // @ts-expect-error an ID is a string
  await IDENTITY.deleteUser({ ...request, userID: 7 })
  // @ts-expect-error there is no such field
  await IDENTITY.deleteUser({ token: 't', organizationID: 'o', userID: 'u', user: 'u' })
  // @ts-expect-error there is no such method
  await IDENTITY.listUsers()
  // @ts-expect-error the user may be deleted
  outcome.error
  // @ts-expect-error it is a type and not a value
  new Identity()
  if (outcome.ok) return IDENTITY.fetch('https://identity.example')
  // @ts-expect-error no outcome has this status
  if (outcome.status === 405) return new Response()
  // An error_description can change, so it is not a literal type.
  const failure: DeleteUserFailure = { ...outcome, error_description: 'any sentence' }
  const { status, error, retryAfter = 0 } = failure
  return Response.json({ error }, { status, headers: { 'Retry-After': retryAfter.toFixed() } })
}
`

/** A caller with the generated type of its environment. */
const GENERATED_CALLER = `export default {
  async fetch(request, { IDENTITY }): Promise<Response> {
    const outcome = await IDENTITY.deleteUser({ token: 't', organizationID: 'o', userID: 'u' })
    if (outcome.ok) return IDENTITY.fetch(request)
    return Response.json(outcome.error, { status: outcome.status })
  },
} satisfies ExportedHandler<Env>
`

const folder = await createFolder()
const page = await readDocument('docs/service-binding.md')
await writeFile(join(folder, 'tsconfig.json'), page.section('Types').code[0]!.text)
await mkdir(join(folder, 'src'))

/** Runs a program of this project's node_modules. Returns what it prints, with `failed:` before it if it fails. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const path = join(ROOT, 'node_modules', program)
  const options = { cwd: folder, env: localEnvironment() }
  return promisify(execFile)(process.execPath, [path, ...args], options).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `failed: ${stdout}${stderr}`,
  )
}

const compile = (...args: string[]) =>
  run('typescript/bin/tsc', ['--project', folder, ...STRICTER, ...args])

test('the published types are those of the Worker', () => {
  type Method = 'deleteUser' | 'fetch'
  type Instance = InstanceType<typeof worker.Identity>
  expectTypeOf<Pick<Instance, Method>>().toEqualTypeOf<Pick<declared.Identity, Method>>()
})

test('the local stack and the tests set every variable that the Worker reads', () => {
  type Variable = Exclude<keyof Environment, 'DB' | 'ISSUER' | 'DELETION_EVENTS'>
  expectTypeOf<keyof typeof VARIABLES>().toEqualTypeOf<Variable>()
})

test('a caller outside this project compiles with a copy of src/identity.ts, and its misuses do not', async () => {
  const { toml, source, dpopSource } = await readDocumentedCallers()
  const [consumer] = (await readDocument('docs/events.md')).section('A consumer').code
  const worker = `name = "caller"\nmain = "src/readme.ts"\ncompatibility_date = "2026-10-01"\n`
  await writeFile(join(folder, 'wrangler.toml'), worker + toml)
  expect(await run('wrangler/bin/wrangler.js', ['types'])).not.toContain('failed')
  await cp('src/identity.ts', join(folder, 'src/identity.ts'))
  const sources = { uses: USES, readme: source, dpop: dpopSource, consumer: consumer!.text }
  for (const [name, text] of Object.entries(sources)) {
    await writeFile(join(folder, `src/${name}.ts`), text)
  }
  expect(await compile()).toBe('')
  const files = (await compile('--listFilesOnly')).split('\n')
  expect(files.filter((file) => file.includes(join(ROOT, 'src')))).toEqual([])
  expect(files.filter((file) => file.startsWith(folder)).length).toBe(6)

  const entryPoints = [join(folder, 'src/readme.ts')]
  const { metafile } = await build({ entryPoints, bundle: true, write: false, metafile: true })
  expect(Object.keys(metafile.inputs)).toEqual([expect.stringMatching(/src\/readme.ts$/)])
})

test('a caller compiles with the types that wrangler generates from both configurations', async () => {
  await rm(join(folder, 'src'), { recursive: true })
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src/index.ts'), GENERATED_CALLER)
  await cp('examples/console-backend/wrangler.toml', join(folder, 'wrangler.toml'))
  const callee = writeIdentityConfig(join(folder, 'identity'))
  const args = ['types', '-c', 'wrangler.toml', '-c', callee]
  expect(await run('wrangler/bin/wrangler.js', args)).toContain("Found Worker 'identity'")
  expect(await readFile(join(folder, 'worker-configuration.d.ts'), 'utf8')).toMatch(
    /IDENTITY: Service<typeof import\(".*\/src\/index"\)\.Identity>/,
  )
  expect(await compile()).toBe('')
  const typeRoots = join(ROOT, 'node_modules/@types')
  // The types of Node and those of the runtime contradict each other.
  const withNode = ['--types', 'node', '--typeRoots', typeRoots, '--skipLibCheck']
  expect(await compile(...withNode)).toBe('')
})
