/**
 * The console in a real Chromium: a person signs in at the provider, looks, and removes somebody by the cross-origin call
 * that any front end would make.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, passProviderPages, prepareRefusal, signInAtConsole } from './support/browser'
import { readTables, startConsoleRig, type ConsoleRig } from './support/console-rig'

let rig: ConsoleRig

beforeAll(async () => {
  rig = await startConsoleRig()
})

afterAll(() => rig?.stop())

const open = (size: { width?: number; height?: number } = {}) =>
  openPage(rig.browser, { url: rig.stack.console.origin, ...size })

test('a person signs in with authorization code and PKCE, and no token is in any URL', async () => {
  const { page } = await open()
  const asked: URL[] = []
  const posted: URLSearchParams[] = []
  page.on('request', (request) => {
    asked.push(new URL(request.url()))
    if (request.url().endsWith('/token')) posted.push(new URLSearchParams(request.postData() ?? ''))
  })
  await signInAtConsole(page, 'Ada Berg')

  const authorization = asked.find(({ pathname }) => pathname === '/auth')?.searchParams
  expect(authorization?.get('response_type')).toBe('code')
  expect(authorization?.get('code_challenge_method')).toBe('S256')
  expect(authorization?.get('code_challenge')).toMatch(/^[\w-]{43}$/)
  expect(posted.map((form) => form.get('grant_type'))).toEqual(['authorization_code'])
  expect(posted[0]?.get('code_verifier')).toMatch(/^[\w-]{43,}$/)
  expect(posted[0]?.has('client_secret')).toBe(false)
  expect(asked.filter(({ href }) => href.includes('eyJ'))).toEqual([])
  expect(page.url()).toBe(`${rig.stack.console.origin}/`)
})

test('a sign-in that was cancelled says so, and leaves nobody signed in', async () => {
  const { page } = await open()
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  await page.getByRole('button', { name: 'Ada Berg' }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('the person at the page cancelled').waitFor()
  expect(await page.getByRole('button', { name: /^Sign out/ }).count()).toBe(0)
})

test('an answer of the provider that belongs to no sign-in of this tab is refused', async () => {
  const { page } = await open()
  await page.goto(`${rig.stack.console.origin}/?code=stolen&state=made-up`)
  await page.getByText('This answer belongs to no sign-in of this tab.').waitFor()
  expect(await page.getByRole('button', { name: /^Sign out/ }).count()).toBe(0)
})

test('the page shows the organizations as they are in D1, also when somebody else changes them', async () => {
  const { page } = await open()
  const person = page.getByRole('row', { name: /Liam Park/ })
  await page.getByRole('button', { name: /Meadow Clinic/ }).click()
  await person.getByText('Administrators').waitFor()
  expect(await person.getByText('suspended here').count()).toBe(0)
  await rig.stack.database
    .prepare("UPDATE organization_users SET state = 'suspended' WHERE id = 'meadow-liam'")
    .run()
  await person.getByText('suspended here').waitFor()
})

test('an administrator removes a person by keyboard, and sees request, answer and what changed', async () => {
  const { page, complaints } = await open()
  await signInAtConsole(page, 'Ada Berg')
  const before = await readTables(rig.stack)

  await page.getByRole('button', { name: 'Remove Dara Flynn' }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('Removes Dara Flynn from Lumen Robotics and from 3 groups').waitFor()
  await page.keyboard.press('Enter') // the focus is on the button that sends

  const result = page.getByRole('region', { name: 'What came of it' })
  await result.getByRole('heading', { name: '200 OK' }).waitFor()
  const text = await result.innerText()
  expect(text).toContain('DELETE /api/v1/organizations/lumen/users/lumen-dara')
  expect(text).toContain(`Origin: ${rig.stack.console.origin}`)
  expect(text).toMatch(/Authorization: Bearer eyJ/)
  expect(text).toMatch(/x-request-id: [\w-]{36}/)
  expect(text).toContain('3 rows gone')
  expect(await page.evaluate('document.activeElement.id')).toBe('result')

  const after = await readTables(rig.stack)
  const gone = (table: string) => before[table]!.filter((row) => !after[table]!.includes(row))
  expect(gone('organization_users')).toHaveLength(1)
  expect(gone('group_members')).toHaveLength(3)
  expect([...gone('users'), ...gone('groups'), ...gone('user_deletions')]).toEqual([])
  expect(await page.getByRole('row', { name: /Dara Flynn/ }).count()).toBe(0)
  await page.getByText('lumen-dara of Lumen Robotics, by Ada Berg, 3 groups').waitFor()
  expect(rig.log.filter((line) => line.includes('"groupsRemoved":3'))).toHaveLength(1)
  expect(complaints).toEqual([])
})

test('the same call with the same idempotency key is answered 200 again, and changes nothing more', async () => {
  const { page } = await open()
  await signInAtConsole(page, 'Ada Berg')
  await page.getByRole('button', { name: 'Remove Otto Weiß' }).click()
  await page.getByRole('button', { name: 'Make one' }).click()
  const send = page.getByRole('button', { name: 'Send DELETE' })
  const result = page.getByRole('region', { name: 'What came of it' })
  await send.click()
  await result.getByText('3 rows gone').waitFor()
  await send.click()
  await result.getByText('Nothing in the database.').waitFor()
  expect(await result.getByRole('heading').first().innerText()).toContain('200')
})

test('a service account can call, too', async () => {
  const { page } = await open()
  await page.getByRole('button', { name: 'Remove Noor Saleh' }).click()
  await page.getByLabel('Token of').selectOption({ label: 'HR sync (service account)' })
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await page.getByRole('heading', { name: '200 OK' }).waitFor()
  const records = page.getByRole('region', { name: 'Deletion records' })
  expect(await records.innerText()).toContain('by HR sync (service account), 2 groups')
})

describe('each kind of refusal can be tried, is read by the page, and changes nothing', () => {
  let page: Page

  beforeAll(async () => {
    page = (await open()).page
  })

  test.each<[status: number, title: string, error: string, whoSignsIn?: string]>([
    [401, 'No token at all', 'access_denied'],
    [401, 'A token that expired an hour ago', 'access_denied'],
    [401, 'A token with one character changed', 'access_denied', 'Ada Berg'],
    [401, 'A person whom the database does not know', 'access_denied', 'Zoë Visitor'],
    [401, 'A person who is suspended', 'access_denied', 'Jonas Meyer'],
    [403, 'An auditor may look, not remove', 'forbidden', 'Bruno Costa'],
    [403, 'A suspended membership has no power', 'forbidden', 'Goran Ilić'],
    [403, 'An administrator of another organization', 'forbidden', 'Ada Berg'],
    [403, 'The last administrator', 'forbidden', 'Ada Berg'],
    [404, 'Nobody has this ID', 'not_found', 'Ada Berg'],
    [404, 'A user of another organization', 'not_found', 'Ada Berg'],
    [404, 'A path that does not exist', 'not_found'],
    [405, 'Another method', 'method_not_allowed', 'Ada Berg'],
  ])('%i: %s', async (status, title, error, whoSignsIn) => {
    await page.reload() // keeps who is signed in, and forgets the call before
    const before = await readTables(rig.stack)
    await prepareRefusal(page, title)
    const send = page.getByRole('button', { name: /^Send/ })
    if (whoSignsIn !== undefined && !(await send.isVisible())) {
      await page.getByRole('button', { name: `Sign in as ${whoSignsIn} first` }).click()
      await passProviderPages(page, whoSignsIn)
    }
    await send.click()
    const result = page.getByRole('region', { name: 'What came of it' })
    await result.getByRole('heading', { name: String(status) }).waitFor()
    expect(await result.innerText()).toContain(`"error":"${error}"`)
    expect(await result.innerText()).toContain('Nothing in the database.')
    expect(await readTables(rig.stack)).toEqual(before)
  })
})

test('where the browser shows no answer, the page says what can be wrong', async () => {
  const { page } = await open()
  await page.getByLabel('Path').fill('/nowhere') // whose preflight is a 404
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await page.getByRole('heading', { name: 'No answer' }).waitFor()
  const result = page.getByRole('region', { name: 'What came of it' })
  expect(await result.innerText()).toContain(`pages of ${rig.stack.console.origin}`)
})

test('a narrow phone shows all of it without scrolling sideways', async () => {
  const { page } = await open({ width: 360, height: 740 })
  await prepareRefusal(page, 'No token at all')
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await page.getByRole('heading', { name: '401 Unauthorized' }).waitFor()
  expect(await page.evaluate('document.scrollingElement.scrollWidth')).toBe(360)
})
