/**
 * `npm start` as people use it: each command that it prints runs, and it starts again after its Node was killed.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import getPort, { portNumbers } from 'get-port'
import { afterAll, expect, test } from 'vitest'
import { quote } from '../../dev/state-folder.ts'
import { readDocument } from '../operations/document'
import { openShells } from '../support/node/checkout'
import { createFolder } from '../support/node/folder'

const folder = await createFolder()
/** A name that needs quotes in a shell. */
const state = join(folder, "my state's")
const home = join(folder, 'home')
await mkdir(home)
const shells = openShells('.')
const withHome = openShells('.', { HOME: home })
const own = join(folder, 'own-worker')
const ofOwnWorker = openShells(own)

afterAll(async () => {
  await ofOwnWorker.stop()
  await withHome.stop()
})

/** Starts the stack. @returns its output */
async function startStack(options: string): Promise<string> {
  const stack = withHome.start(`node scripts/run.js start --state ${quote(state)} ${options}`)
  return stack.waitFor(/^Ready after /m)
}

/** The commands of a text: indented lines that start with the program, with their continuations. */
const findCommands = (text: string, program: string): string[] =>
  Array.from(text.matchAll(new RegExp(`^ +(${program} (?:.*\\\\\\n)*.*)$`, 'gm')), ([, command]) =>
    String(command),
  )

// The system takes free ports from a higher range, so these stay free while the stack is down.
const ports = []
for (const option of ['--port', '--issuer-port', '--console-port']) {
  ports.push(`${option} ${await getPort({ port: portNumbers(18_000, 18_999) })}`)
}
const options = ports.join(' ')
const printed = await startStack(options)

test('the lines fit 100 columns, except for long paths', () => {
  const short = printed.replaceAll(/'[^'\n]*my state'\\''s/g, `'.state/default`)
  expect(short.split('\n').filter((line) => line.length > 100)).toEqual([])
})

test('each printed call gets the status above it', async () => {
  const expected = Array.from(printed.matchAll(/^(\d{3}) {2}/gm), ([, status]) => status)
  expect(expected).toEqual(['200', '200', '200', '200', '401', '401', '403', '404'])
  const statuses = []
  for (const command of findCommands(printed, '(?:curl|node)')) {
    statuses.push(/^HTTP\/1\.1 (\d{3})/.exec(await shells.run(command))?.[1])
  }
  expect(statuses).toEqual(expected)
})

test('the printed wrangler command shows the deletion records', async () => {
  const [command = ''] = findCommands(printed, 'npx wrangler d1')
  expect((await shells.run(command)).match(/"organization_user_id"/g)).toHaveLength(4)
})

/** The printed recipe for another Worker. */
function readRecipe() {
  const [, recipe = ''] = /^Bind your own Worker.*\n([^]*?)\n\n/m.exec(printed) ?? []
  const [command = ''] = findCommands(recipe, 'npx wrangler dev')
  return {
    toml: /\[\[services\]\](?:\n +\w+ = .*)+/.exec(recipe)?.[0] ?? '',
    call: /await env[^]*?\}\)/.exec(recipe)?.[0] ?? '',
    command,
  }
}

test('a new Worker that follows the recipe deletes a user', async () => {
  const { toml, call, command } = readRecipe()
  await mkdir(own)
  await writeFile(
    join(own, 'wrangler.toml'),
    `name = "own"\nmain = "index.ts"\ncompatibility_date = "2026-10-01"\n${toml}`,
  )
  await writeFile(
    join(own, 'index.ts'),
    `export default {
      async fetch(request, env) {
        const token = await request.text()
        return Response.json(${call})
      },
    }`,
  )
  const wrangler = ofOwnWorker.start(command)
  const ready = await wrangler.waitFor(/Ready on http:\S+/)
  const token = await readFile(join(state, 'tokens/administrator'), 'utf8')
  const url = /Ready on (http:\S+)/.exec(ready)?.[1] ?? ''
  const responses = []
  for (const body of [token, token]) {
    responses.push(await (await fetch(url, { method: 'POST', body })).json())
  }
  await wrangler.stop()
  expect(responses).toMatchObject([{ ok: true }, { ok: false, status: 404 }])
})

test('the documents have the same recipe', async () => {
  const { toml, command } = readRecipe()
  const readme = await readDocument('README.md')
  const [binding] = readme.section('From another Worker').code
  expect(toml.replaceAll(/^ +/gm, '')).toBe(binding?.text)
  const document = await readDocument('docs/service-binding.md')
  const [block] = document.section('On your machine').code
  expect(block?.text).toBe(
    command
      .replaceAll(/'.*\/([\w.]+)'/g, '../identity-worker/.state/default/$1')
      .replaceAll(/\n +/g, '\n  '),
  )
})

test('starts again on the same ports after its Node was killed', async () => {
  process.kill(Number(await readFile(join(state, 'running.pid'), 'utf8')), 'SIGKILL')
  expect(await startStack(options)).toContain('Database keeps its data')
})

test('writes nothing into the home folder', async () => {
  expect(await readdir(home)).toEqual([])
})
