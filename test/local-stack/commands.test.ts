/**
 * The development commands in a bad situation: each says in a sentence what is wrong and what to do, and removes nothing
 * that it did not make.
 */
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { requireFreePorts } from '../../dev/ports.ts'
import { loadProviderSecrets } from '../../dev/provider-secrets.ts'
import { runProvider } from '../../dev/provider.ts'
import { quote, takeStateFolder, stateFolder } from '../../dev/state-folder.ts'
import { openShells, type Shells } from '../support/node/checkout'

const RUN = `node ${quote(resolve('scripts/run.js'))}`

let folder: string
let shell: Shells

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-commands-'))
  shell = openShells(folder)
})

afterEach(() => rm(folder, { recursive: true }))

/** What a command prints that fails. */
const fail = (command: string): Promise<string> =>
  shell.run(command).then(
    (printed) => `did not fail: ${printed}`,
    (error: Error) => error.message,
  )

describe('a checkout without', () => {
  beforeEach(() => cp('scripts/run.js', join(folder, 'scripts/run.js')))

  test('packages', async () => {
    expect(await fail('node scripts/run.js start')).toContain('Run: npm ci\n')
  })

  test('development packages (NODE_ENV=production)', async () => {
    await cp('node_modules/jose/package.json', join(folder, 'node_modules/jose/package.json'))
    expect(await fail('node scripts/run.js start')).toContain('Run: npm ci --include=dev\n')
  })
})

const takePort = (port: number) =>
  requireFreePorts([{ port, use: 'OpenID provider', option: '--issuer-port' }])

describe('a port', () => {
  test('that fetch refuses is refused, and another is proposed', async () => {
    await expect(takePort(6000)).rejects.toThrow(
      /^Port 6000, for the OpenID provider, is one that browsers and fetch never connect to\.\n.*--issuer-port 8\d+$/,
    )
  })

  test('that another program has is refused; a free one is not', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await expect(takePort(port)).rejects.toThrow('is taken by another program')
    server.close()
    await once(server, 'close')
    await expect(takePort(port)).resolves.toBeUndefined()
  })
})

describe('a state folder', () => {
  test('with files of its own is refused at the start, and stays as it is at a reset', async () => {
    await mkdir(join(folder, 'databases'))
    await writeFile(join(folder, 'databases/thesis.txt'), 'a')
    const state = quote(folder)
    expect(await fail(`${RUN} start --state ${state}`)).toContain('Choose a new folder')
    expect(await fail(`${RUN} reset --state ${state}`)).toContain('stays as it is')
    expect(await readdir(folder, { recursive: true })).toHaveLength(2)
  })

  test('that is a file is refused', async () => {
    await writeFile(join(folder, 'file'), 'a')
    expect(() => takeStateFolder(stateFolder(join(folder, 'file')))).toThrow('cannot be the state')
  })

  test('of a stack is emptied by a reset; other files in it stay', async () => {
    const state = stateFolder(join(folder, "my state's"))
    await mkdir(state.databases, { recursive: true })
    await writeFile(join(state.path, 'notes.txt'), 'a')
    await loadProviderSecrets(state.providerSecrets, [])
    takeStateFolder(state)()
    const reset = `${RUN} reset --state ${quote(state.path)}`
    expect(await shell.run(reset)).toContain('These files stay: notes.txt')
    expect(await readdir(state.path)).toEqual(['notes.txt'])
  })

  test('that another process has is not reset', async () => {
    const state = stateFolder(folder)
    const release = takeStateFolder(state)
    expect(await fail(`${RUN} reset --state ${quote(folder)}`)).toContain(`process ${process.pid}`)
    release()
    expect(await readdir(folder)).toEqual([])
  })
})

test('the OpenID provider has no page for a foreign Host', async () => {
  const secrets = await loadProviderSecrets(join(folder, 'secrets.json'), [])
  const provider = await runProvider(0, secrets)
  const statusFor = async (host: string): Promise<number | undefined> => {
    const sent = request(`${provider.issuer}/.well-known/openid-configuration`, {
      headers: { host },
    })
    const [response] = (await once(sent.end(), 'response')) as [{ statusCode?: number }]
    return response.statusCode
  }
  const { host, port } = new URL(provider.issuer)
  expect(await statusFor(host)).toBe(200)
  expect(await statusFor(`attacker.example:${port}`)).toBe(403)
  expect(await statusFor('attacker.example')).toBe(403)
  await provider.stop()
})

describe('a clone', () => {
  const GIT = 'git -c user.name=t -c user.email=t@localhost -c init.defaultBranch=main'

  beforeEach(async () => {
    for (const path of ['.gitattributes', '.gitignore', '.ci/run', 'migrations', 'dev/workerd.sh'])
      await cp(path, join(folder, 'origin', path), { recursive: true })
    await shell.run(`cd origin && ${GIT} init -q && ${GIT} add . && ${GIT} commit -qm t`)
  })

  test('has the same bytes with core.autocrlf=true', async () => {
    await shell.run(`${GIT} -c core.autocrlf=true clone -q origin clone && rm -rf */.git`)
    expect(await shell.run('diff -r origin clone')).toBe('')
  })

  test('ignores files with the values of an operator', async () => {
    const files = '.dev.vars .dev.vars.staging .env .env.production'
    expect((await shell.run(`cd origin && git check-ignore ${files}`)).split(/\s+/)).toEqual([
      ...files.split(' '),
      '',
    ])
  })
})
