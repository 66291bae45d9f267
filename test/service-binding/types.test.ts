/**
 * The types that callers compile against: a copy of `src/identity.ts` alone, in a folder that sees nothing of this project,
 * or the types that `wrangler types` generates. The caller's bundle holds none of this project's source.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { writeIdentityConfig, type VARIABLES } from '../../dev/identity-worker.ts'
import { localEnvironment } from '../../dev/wrangler.ts'
import type { Environment } from '../../src/config'
import type * as worker from '../../src/index'
import type * as declared from '../../src/identity'
import { readDocument } from '../operations/document'
import { CALLER, GENERATED_CALLER, MISUSE } from './caller-sources'
import { readDocumentedCallers } from './test-workers'

const ROOT = join(import.meta.dirname, '../..')
/** Rules beyond the documented ones, which a caller may have too. */
const STRICTER = ['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess']

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caller-'))
  const page = await readDocument('docs/service-binding.md')
  await writeFile(join(folder, 'tsconfig.json'), page.section('Types').code[0]!.text)
  await mkdir(join(folder, 'src'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** What a program of this project's node_modules prints; its errors, too. */
async function run(program: string, args: readonly string[], cwd = folder): Promise<string> {
  const path = join(ROOT, 'node_modules', program)
  const env = localEnvironment()
  const ran = promisify(execFile)(process.execPath, [path, ...args], { cwd, env })
  return ran.then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `failed: ${stdout}${stderr}`,
  )
}

const compile = (...args: string[]) =>
  run('typescript/bin/tsc', ['--project', folder, ...STRICTER, ...args])

/** The files that go into a caller's bundle. */
async function listInputs(file: string): Promise<string[]> {
  const entryPoints = [join(folder, file)]
  const options = { entryPoints, bundle: true, write: false, metafile: true } as const
  const { metafile } = await build({ ...options, absWorkingDir: folder, format: 'esm' })
  return Object.keys(metafile.inputs)
}

test('the published types are those of the Worker', () => {
  type Method = 'deleteUser' | 'fetch'
  type Instance = InstanceType<typeof worker.Identity>
  expectTypeOf<Pick<Instance, Method>>().toEqualTypeOf<Pick<declared.Identity, Method>>()
})

test('the local stack and the tests set every variable that the Worker reads', () => {
  type Variable = Exclude<keyof Environment, 'DB' | 'ISSUER' | 'DELETION_EVENTS'>
  expectTypeOf<keyof typeof VARIABLES>().toEqualTypeOf<Variable>()
})

describe('a caller with a copy of src/identity.ts, in a folder that sees nothing of this project', () => {
  test('compiles with the documented tsconfig.json, and each misuse does not', async () => {
    const { toml, source, dpopSource } = await readDocumentedCallers()
    const worker = `name = "caller"\nmain = "src/documented.ts"\ncompatibility_date = "2026-10-01"\n`
    await writeFile(join(folder, 'wrangler.toml'), worker + toml)
    expect(await run('wrangler/bin/wrangler.js', ['types'])).not.toContain('failed')
    await cp('src/identity.ts', join(folder, 'src/identity.ts'))
    await writeFile(join(folder, 'src/caller.ts'), CALLER)
    await writeFile(join(folder, 'src/misuse.ts'), MISUSE)
    await writeFile(join(folder, 'src/documented.ts'), source)
    const [consumer] = (await readDocument('docs/events.md')).section('A consumer').code
    await writeFile(join(folder, 'src/consumer.ts'), consumer!.text)
    await writeFile(join(folder, 'src/documented-dpop.ts'), dpopSource)
    expect(await compile()).toBe('')
    const files = (await compile('--listFilesOnly')).split('\n')
    expect(files.filter((file) => file.includes(join(ROOT, 'src')))).toEqual([])
    expect(files.filter((file) => file.startsWith(folder)).length).toBe(7)
  })

  test('has nothing but its own file in its bundle', async () => {
    expect(await listInputs('src/caller.ts')).toEqual(['src/caller.ts'])
  })
})

describe('a caller with the types that wrangler makes of both configurations', () => {
  let said: string

  beforeAll(async () => {
    await rm(join(folder, 'src'), { recursive: true })
    await mkdir(join(folder, 'src'))
    await writeFile(join(folder, 'src/index.ts'), GENERATED_CALLER)
    await cp('examples/console-backend/wrangler.toml', join(folder, 'wrangler.toml'))
    const callee = writeIdentityConfig(join(folder, 'identity'))
    const args = ['types', '-c', 'wrangler.toml', '-c', callee]
    said = await run('wrangler/bin/wrangler.js', args)
  })

  test('compiles, the source of this project with it, with and without the types of Node', async () => {
    expect(said).toContain("Found Worker 'identity'")
    expect(await readFile(join(folder, 'worker-configuration.d.ts'), 'utf8')).toMatch(
      /IDENTITY: Service<typeof import\(".*\/src\/index"\)\.Identity>/,
    )
    expect(await compile()).toBe('')
    const typeRoots = join(ROOT, 'node_modules/@types')
    // The types of Node and those of the runtime contradict each other.
    const withNode = ['--types', 'node', '--typeRoots', typeRoots, '--skipLibCheck']
    expect(await compile(...withNode)).toBe('')
  })

  test('has nothing but its own file in its bundle', async () => {
    expect(await listInputs('src/index.ts')).toEqual(['src/index.ts'])
  })
})
