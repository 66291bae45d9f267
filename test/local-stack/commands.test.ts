/**
 * Errors of the development commands: each says what is wrong and what to do, and removes only its own files.
 */
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { serve } from '../../dev/loopback-server.ts'
import { requireFreePorts } from '../../dev/ports.ts'
import { loadProviderSecrets } from '../../dev/provider-secrets.ts'
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

/** The output of a command that fails. */
const fail = (command: string): Promise<string> =>
  shell.run(command).then(
    (output) => `did not fail: ${output}`,
    (error: Error) => error.message,
  )

test('says what to install in a checkout without packages, or without development packages', async () => {
  await cp('scripts/run.js', join(folder, 'scripts/run.js'))
  expect(await fail('node scripts/run.js start')).toContain('Run: npm ci\n')
  await cp('node_modules/jose/package.json', join(folder, 'node_modules/jose/package.json'))
  expect(await fail('node scripts/run.js start')).toContain('Run: npm ci --include=dev\n')
})

test('names a port that cannot be used, and an option with a free one', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const takePorts = () =>
    requireFreePorts([
      { port, use: 'Worker', option: '--port' },
      { port: 6000, use: 'OpenID provider', option: '--issuer-port' },
    ])
  const blocked =
    'Port 6000, for the OpenID provider, is one that browsers and fetch never connect to\\.\n'
  const busy = `Port ${port}, for the Worker, is taken by another program\\.\n`
  const choose = 'Choose another: npm start -- '
  await expect(takePorts()).rejects.toThrow(
    new RegExp(`^${busy}${blocked}${choose}--port 8\\d+ --issuer-port 8\\d+$`),
  )
  server.close()
  await once(server, 'close')
  await expect(takePorts()).rejects.toThrow(new RegExp(`^${blocked}${choose}--issuer-port 8\\d+$`))
})

describe('a state folder', () => {
  test('with files that no stack made is neither used nor reset', async () => {
    await mkdir(join(folder, 'databases'))
    await writeFile(join(folder, 'databases/thesis.txt'), 'a')
    const state = quote(folder)
    expect(await fail(`${RUN} start --state ${state}`)).toContain('Choose a new folder')
    expect(await fail(`${RUN} reset --state ${state}`)).toContain('Nothing was removed')
    expect(await readdir(folder, { recursive: true })).toHaveLength(2)
  })

  test('cannot be a file', async () => {
    await writeFile(join(folder, 'file'), 'a')
    expect(() => takeStateFolder(stateFolder(join(folder, 'file')))).toThrow('cannot be the state')
  })

  test('keeps other files when it is reset', async () => {
    const state = stateFolder(join(folder, "my state's"))
    await mkdir(state.databases, { recursive: true })
    await writeFile(join(state.path, 'notes.txt'), 'a')
    await loadProviderSecrets(state.providerSecrets, [])
    takeStateFolder(state)()
    const reset = `${RUN} reset --state ${quote(state.path)}`
    expect(await shell.run(reset)).toContain('These files stay: notes.txt')
    expect(await readdir(state.path)).toEqual(['notes.txt'])
  })

  test('is not reset while another process uses it', async () => {
    const state = stateFolder(folder)
    const release = takeStateFolder(state)
    expect(await fail(`${RUN} reset --state ${quote(folder)}`)).toContain(`process ${process.pid}`)
    release()
    expect(await readdir(folder)).toEqual([])
  })
})

test('the servers of the stack reject requests for another host name', async () => {
  const server = await serve(0, () => (_, response) => void response.end())
  const statusFor = async (host: string): Promise<number | undefined> => {
    const sent = request(server.origin, { headers: { host } })
    const [response] = (await once(sent.end(), 'response')) as [{ statusCode?: number }]
    return response.statusCode
  }
  const { host, port } = new URL(server.origin)
  expect(await statusFor(host)).toBe(200)
  expect(await statusFor(`attacker.example:${port}`)).toBe(403)
  expect(await statusFor('attacker.example')).toBe(403)
  await server.stop()
})

test('a clone has the same bytes with core.autocrlf=true, and ignores the values of an operator', async () => {
  const GIT = 'git -c user.name=t -c user.email=t@localhost -c init.defaultBranch=main'
  for (const path of ['.gitattributes', '.gitignore', '.ci/run', 'migrations', 'dev/workerd.sh']) {
    await cp(path, join(folder, 'origin', path), { recursive: true })
  }
  await shell.run(`cd origin && ${GIT} init -q && ${GIT} add . && ${GIT} commit -qm t`)
  const files = '.dev.vars .dev.vars.staging .env .env.production'
  const ignored = await shell.run(`cd origin && git check-ignore ${files}`)
  expect(ignored.trim().split('\n')).toEqual(files.split(' '))
  await shell.run(`${GIT} -c core.autocrlf=true clone -q origin clone && rm -rf */.git`)
  expect(await shell.run('diff -r origin clone')).toBe('')
})
