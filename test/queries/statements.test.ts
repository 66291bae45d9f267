/**
 * `npm run build:queries`, run in a copy of the checkout: src/statements.ts is what queries/ compiles to, and a statement
 * that D1 would refuse or misread is not compiled.
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

async function edit(path: string, from: string, to: string): Promise<void> {
  const file = join(checkout.folder, path)
  const text = await readFile(file, 'utf8')
  expect(text).toContain(from)
  await writeFile(
    file,
    text.replace(from, () => to),
  )
}

test('the committed statements are those of queries/', async () => {
  expect(await check()).toBe('')
})

test('the check fails for a change that is not compiled, and passes once it is', async () => {
  await edit('queries/permissions.ts', "'identity:users'", "'identity:groups'")
  await expect(check()).rejects.toThrow('Run: npm run build:queries')
  await build()
  expect(await check()).toBe('')
  const compiled = await readFile(join(checkout.folder, 'src/statements.ts'), 'utf8')
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
    'a name that would be a text if it stood in quotes',
    'queries/permissions.ts',
    '`null`.as(',
    '`"absent"`.as(',
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
])('%s fails, and names the statement', async (_, path, from, to, message) => {
  const before = await readFile(join(checkout.folder, 'src/statements.ts'), 'utf8')
  await edit(path, from, to)
  await expect(build()).rejects.toThrow(message)
  expect(await readFile(join(checkout.folder, 'src/statements.ts'), 'utf8')).toBe(before)
})
