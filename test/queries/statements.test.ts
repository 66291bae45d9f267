/**
 * `npm run build:queries` in a copy of the checkout: the check for drift, and statements that D1 would refuse or misread.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { copyCheckout, type Checkout } from '../support/node/checkout'

let checkout: Checkout

beforeEach(async () => {
  checkout = await copyCheckout()
})

afterEach(() => checkout.remove())

const build = () => checkout.run('npm run --silent build:queries')
const check = () => checkout.run('npm run --silent build:queries -- --check')

const read = (path: string) => readFile(join(checkout.folder, path), 'utf8')

async function edit(path: string, from: string, to: string): Promise<void> {
  const text = await read(path)
  expect(text).toContain(from)
  const edited = text.replace(from, () => to)
  await writeFile(join(checkout.folder, path), edited)
}

test('the check passes, fails after a change and passes after a build', async () => {
  expect(await check()).toBe('')
  await edit('queries/permissions.ts', "'identity:users'", "'identity:groups'")
  await expect(check()).rejects.toThrow('Run: npm run build:queries')
  await build()
  expect(await check()).toBe('')
  const compiled = await read('src/statements.ts')
  expect(compiled).toContain("endpoint = 'identity:groups'")
  expect(compiled).not.toContain('identity:users')
})

test.each([
  [
    'a column that no table has',
    'queries/schema.ts',
    "text('subject')",
    "text('topic')",
    'recordDeletion: no such column: users.topic',
  ],
  [
    'a name that SQLite would take for a text in quotes',
    'queries/permissions.ts',
    "'service_account', sql`null`",
    '\'service_account\', sql`"absent"`',
    'recordDeletion: no such column: absent',
  ],
  [
    'a parameter without a placeholder',
    'queries/permissions.ts',
    "`'caller_' ||",
    '`? ||',
    'reportOutcome: a parameter is no placeholder',
  ],
  [
    'a placeholder inside a constant',
    'queries/permissions.ts',
    "`'caller_' ||",
    "`'caller_${subject}' ||",
    'reportOutcome: a placeholder is inside a constant',
  ],
])('rejects %s, names the statement and writes nothing', async (_, path, from, to, message) => {
  const before = await read('src/statements.ts')
  await edit(path, from, to)
  await expect(build()).rejects.toThrow(message)
  expect(await read('src/statements.ts')).toBe(before)
})
