/**
 * The console in a real Chromium: people sign in at the provider and remove people with the cross-origin call of any
 * front end.
 */
import { execFileSync } from 'node:child_process'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test, vi } from 'vitest'
import {
  chooseCaller,
  choosePerson,
  openPage,
  passProviderPage,
  prepareRefusal,
  removePerson,
  readSentence,
  signInAtConsole,
} from './support/browser'
import { compareTables } from '../../dev/database.ts'
import { readRows, startConsoleHarness } from './support/console-harness'

const harness = await startConsoleHarness()
afterAll(() => harness.stop())

const open = () => openPage(harness.browser, { url: harness.stack.consoleOrigin })
const resultOf = (page: Page) => page.getByRole('region', { name: 'Result' })
const fold = (page: Page, title: string) => resultOf(page).locator('summary', { hasText: title })

/** The result with its details unfolded, once its sentence contains `part`. */
async function readResult(page: Page, part: string): Promise<string> {
  await readSentence(page, part)
  await fold(page, 'Response').click()
  await fold(page, 'Database').click()
  return resultOf(page).innerText()
}

describe('signing in', () => {
  test('uses the authorization code with PKCE, and puts no token into a URL', async () => {
    const { page } = await open()
    const urls: URL[] = []
    const posted: URLSearchParams[] = []
    page.on('request', (request) => {
      urls.push(new URL(request.url()))
      if (request.url().endsWith('/token')) {
        posted.push(new URLSearchParams(request.postData() ?? ''))
      }
    })
    // The recommended person has the focus, and the provider asks nothing else.
    await page.getByRole('button', { name: 'Sign in as Ada Berg' }).click()
    await page.getByRole('heading', { name: 'Recommended' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Sign out Ada Berg' }).waitFor()

    const authorization = urls.find(({ pathname }) => pathname === '/auth')?.searchParams
    expect(authorization?.get('response_type')).toBe('code')
    expect(authorization?.get('code_challenge_method')).toBe('S256')
    expect(authorization?.get('code_challenge')).toMatch(/^[\w-]{43}$/)
    expect(posted.map((form) => form.get('grant_type'))).toEqual(['authorization_code'])
    expect(posted[0]?.get('code_verifier')).toMatch(/^[\w-]{43,}$/)
    expect(posted[0]?.has('client_secret')).toBe(false)
    expect(urls.filter(({ href }) => href.includes('eyJ'))).toEqual([])
    expect(page.url()).toBe(`${harness.stack.consoleOrigin}/`)
  })

  test('says why it failed', async () => {
    const { page } = await open()
    const signIn = page.getByRole('button', { name: 'Sign in as Ada Berg' })
    await signIn.click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(await readSentence(page, 'cancelled')).toBe('Not signed in: the sign-in was cancelled.')
    await page.goto(`${harness.stack.consoleOrigin}/?code=stolen&state=made-up`)
    const refused = 'Not signed in: this tab did not start that sign-in.'
    expect(await readSentence(page, 'this tab')).toBe(refused)
    expect(await signIn.isVisible()).toBe(true)
  })
})

test('removes a person by keyboard, and shows a sentence, then the details', async () => {
  const { page, complaints } = await open()
  await signInAtConsole(page, 'Ada Berg')
  const before = await readRows(harness.stack)

  const people = page.getByRole('region', { name: 'People of Lumen Robotics' })
  const send = page.locator('button[name=send]')
  expect(await send.isDisabled()).toBe(true) // no person is chosen
  await people.getByRole('button', { name: /Dara Flynn/ }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('Removes Dara Flynn from Lumen Robotics and 3 groups').waitFor()
  await page.keyboard.press('Enter') // the focus is on the button that sends

  const sentence = 'Dara Flynn was removed from Lumen Robotics and 3 groups.'
  expect(await readSentence(page, 'Dara Flynn')).toBe(sentence)
  expect(await page.evaluate('document.activeElement.id')).toBe('result')
  expect(await resultOf(page).locator('details[open]').count()).toBe(0)
  expect(await send.isDisabled()).toBe(true) // the form is empty again
  const text = await readResult(page, sentence)
  expect(text).toContain('DELETE /api/v1/organizations/lumen/users/lumen-dara')
  expect(text).toContain(`Origin: ${harness.stack.consoleOrigin}`)
  expect(text).toMatch(/Authorization: DPoP eyJ/)
  expect(text).toMatch(/\nDPoP: eyJ/)
  expect(text).toMatch(/x-request-id: [\w-]{36}/)
  expect(text).toContain('5 rows changed')
  expect(text).toMatch(/deleted_at=\D.*\d{4}/) // a date, not a number

  const changes = compareTables(before, await readRows(harness.stack))
  const counts = changes.map(
    ({ table, removed, added }) => `${table} −${removed.length} +${added.length}`,
  )
  expect(counts).toEqual([
    'organization_users −1 +0',
    'group_members −3 +0',
    'user_deletions −0 +1',
  ])
  expect(await people.getByRole('button', { name: /Dara Flynn/ }).count()).toBe(0)
  const records = page.getByRole('region', { name: 'Deletion records' })
  await records.getByText('removed from Lumen Robotics and 3 groups by Ada Berg').waitFor()
  expect(harness.log.filter((line) => line.includes('"groupsRemoved":3'))).toHaveLength(1)
  expect(complaints).toEqual([])
})

test('binds a token to a key that no script can read out', async () => {
  const { page } = await open()
  await signInAtConsole(page, 'Ada Berg')
  const token = await page.evaluate("JSON.parse(sessionStorage.getItem('sessions'))[0].token")
  const exported = await page.evaluate(`(async () => {
    const settle = (request) => new Promise((resolve) => {
      request.addEventListener('success', () => resolve(request.result))
    })
    const database = await settle(indexedDB.open('identity-console'))
    const { privateKey } = await settle(database.transaction('keys').objectStore('keys').get('pair'))
    const exported = crypto.subtle.exportKey('jwk', privateKey)
    return [privateKey.extractable, await exported.then(() => 'a key', ({ name }) => name)]
  })()`)
  expect(exported).toEqual([false, 'InvalidAccessError'])
  const url = new URL('/api/v1/organizations/lumen/users/lumen-ada', harness.stack.workerURL)
  for (const scheme of ['Bearer', 'DPoP']) {
    const headers = { Authorization: `${scheme} ${String(token)}` }
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(401)
  }
  const refused = () => harness.log.filter((line) => line.includes('"reason":"dpop_missing"'))
  await vi.waitFor(() => expect(refused()).toHaveLength(2))
})

test('shows that a repeat with the same idempotency key changes nothing', async () => {
  const { page } = await open()
  await signInAtConsole(page, 'Ada Berg')
  await choosePerson(page, 'Otto Weiß')
  await page.getByText(/^Request/).click()
  await page.getByRole('button', { name: 'Make one' }).click()
  await page.getByRole('button', { name: 'Remove Otto Weiß' }).click()
  await readResult(page, 'Otto Weiß was removed')
  await page.getByRole('button', { name: 'Prepare the last call again' }).click()
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await readSentence(page, 'Already removed')
  expect(await resultOf(page).locator('details[open]').count()).toBe(0) // folded again
  const text = await readResult(page, 'Already removed')
  expect(text).toContain('200 OK')
  expect(text).toContain('nothing changed')
})

test('lets a member without permission leave, and shows the groups of the record', async () => {
  const { page } = await open()
  await page.getByRole('button', { name: /Fatima Haddad/ }).waitFor()
  expect(await page.getByText('you', { exact: true }).count()).toBe(0) // before the sign-in
  await signInAtConsole(page, 'Fatima Haddad')
  await page.getByRole('button', { name: 'Fatima Haddad you' }).click()
  await page.getByText('Fatima Haddad leaves Lumen Robotics and 1 group').waitFor()
  await page.getByRole('button', { name: 'Leave Lumen Robotics' }).click()
  await readSentence(page, 'Fatima Haddad left Lumen Robotics and 1 group.')
  const records = page.getByRole('region', { name: 'Deletion records' }).getByRole('listitem')
  const [record] = await records.filter({ hasText: 'Fatima Haddad' }).allInnerTexts()
  expect(record).toMatch(/left Lumen Robotics and 1 group\s+Everyone/)
})

test('shows the event of a deletion, and after a sweep one from the outbox', async () => {
  const { page } = await open()
  const events = page.getByRole('region', { name: 'Deletion events' })
  const ofInes = events.getByRole('listitem').filter({ hasText: 'harbour-ines' })
  await signInAtConsole(page, 'Chioma Eze')
  await page.getByRole('button', { name: /Harbour Logistics/ }).click()
  await removePerson(page, 'Inés López')
  await ofInes.waitFor()
  await events.getByText('No event is pending.').waitFor()

  const database = await harness.stack.openDatabase()
  const isInes = "organization_user_id = 'harbour-ines'"
  await database.batch([
    database.prepare(`UPDATE user_deletions SET deleted_at = deleted_at - 60000 WHERE ${isInes}`),
    database.prepare(`INSERT INTO deletion_outbox SELECT id FROM user_deletions WHERE ${isInes}`),
  ])
  await events.getByText('Pending: 1 event.').waitFor()
  await harness.stack.sweep()
  await ofInes.nth(1).waitFor()
  await events.getByText('No event is pending.').waitFor()
  await ofInes.first().click()
  expect(await ofInes.first().innerText()).toContain('"subject": "chioma.eze"')
})

const ERRORS: Readonly<Record<string, string>> = {
  401: 'access_denied',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
}

test('offers each kind of refusal, shows its response, and changes no row', async () => {
  const { page } = await open()
  await page.getByText('Try a refusal').click()
  const offered = page.locator('details', { hasText: 'Try a refusal' }).locator('.pick')
  const texts = (await offered.allInnerTexts()).map((text) => text.split('\n'))
  const refusals = texts.map((lines) => [lines[0]!, lines.at(-1)!] as const)
  expect(refusals.map(([, status]) => status).join(' ')).toBe(
    '401 401 401 401 401 401 403 403 403 403 403 404 404 404 405',
  )
  const before = await readRows(harness.stack)
  const results: (string | undefined)[][] = []
  for (const [title, status] of refusals) {
    await page.reload() // keeps the sessions, and removes the last result
    await prepareRefusal(page, title)
    const send = page.locator('button[name=send]')
    const [, name] = /Sign in as (.*)/.exec(await send.innerText()) ?? []
    if (name !== undefined) {
      await send.click()
      await passProviderPage(page, name)
    }
    await page.getByRole('button', { name: /^(Send|Remove|Leave)/ }).click()
    const text = await readResult(page, `Refused with ${status} `)
    results.push([title, /"error":"(\w+)"/.exec(text)?.[1], /Database: (.*)/.exec(text)?.[1]])
  }
  expect(results).toEqual(
    refusals.map(([title, status]) => [title, ERRORS[status], 'nothing changed']),
  )
  expect(await readRows(harness.stack)).toEqual(before)
})

test('sends nothing with an expired token, and says who must sign in', async () => {
  const { page } = await open()
  await page.clock.install()
  await signInAtConsole(page, 'Kemi Okafor')
  await prepareRefusal(page, 'No token')
  await page.getByRole('button', { name: 'Remove Emil Novak' }).click()
  await readSentence(page, 'Refused with 401')
  await chooseCaller(page, 'Kemi Okafor')
  await page.clock.fastForward('01:01:00')
  await page.getByRole('button', { name: 'Remove Emil Novak' }).click()
  expect(await readSentence(page, 'Not sent')).toBe(
    'Not sent: the token of Kemi Okafor has expired. Sign in as Kemi Okafor, then send again.',
  )
  expect(await fold(page, 'Response').count()).toBe(0) // the response to the call before
  expect(await page.getByRole('button', { name: 'Sign in as Kemi Okafor' }).isVisible()).toBe(true)
})

test('removes a person as a service account, also when the page cannot read the database', async () => {
  const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const database = await harness.stack.openDatabase()
  const { page } = await open()
  await choosePerson(page, 'Emil Novak')
  await chooseCaller(page, 'HR sync (service account)')
  // The page shows this table; the Worker does not need it.
  await database.prepare('ALTER TABLE organizations RENAME TO hidden').run()
  try {
    await page.getByText('The list below may be out of date').waitFor()
    await page.getByText('stop "npm start" with Ctrl-C and start it again').waitFor()
    await page.getByRole('button', { name: 'Remove Emil Novak' }).click()
    const text = await readResult(page, 'Emil Novak was removed from Lumen Robotics.')
    expect(text).toContain('could not be read')
    // one line, although the page repeats the request
    expect(errors.mock.calls.map(([line]) => String(line))).toEqual([
      expect.stringMatching(/^Console: GET \/snapshot failed: .*no such table: organizations.*$/),
    ])
  } finally {
    await database.prepare('ALTER TABLE hidden RENAME TO organizations').run()
    errors.mockRestore()
  }
  await page.getByText('The list below may be out of date').waitFor({ state: 'detached' })
  const records = page.getByRole('region', { name: 'Deletion records' })
  await records.getByText('and 1 group by HR sync (service account)').waitFor()
})

async function suspend(id: string): Promise<void> {
  const database = await harness.stack.openDatabase()
  const sql = "UPDATE organization_users SET state = 'suspended' WHERE id = ?"
  await database.prepare(sql).bind(id).run()
}

test('shows changes of other programs, also after workerd was killed and started again', async () => {
  const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const { page } = await open()
  const person = (name: RegExp) => page.getByRole('button', { name })
  await person(/Meadow Clinic/).click()
  await person(/Mina Rossi/)
    .getByText('Ward')
    .waitFor()
  expect(await page.getByText('suspended here').count()).toBe(0)
  await suspend('meadow-liam')
  await person(/Liam Park/)
    .getByText('suspended here')
    .waitFor()

  const children = execFileSync('pgrep', ['-P', String(process.pid), '-x', 'workerd'])
  const processIDs = String(children).trim().split('\n').map(Number)
  expect(processIDs).toHaveLength(1)
  process.kill(processIDs[0]!, 'SIGKILL')
  await vi.waitFor(() => suspend('meadow-mina'), 20_000)
  await person(/Mina Rossi/)
    .getByText('suspended here')
    .waitFor()
  expect(errors.mock.calls.length).toBeLessThanOrEqual(1)
  errors.mockRestore()
})

test('sends nothing when the stack is stopped, and says how to continue', async () => {
  const { page } = await open()
  await prepareRefusal(page, 'No token')
  await page.getByRole('button', { name: 'Send DELETE' }).click() // the tests before removed Emil
  await readSentence(page, 'Refused with 401')
  await harness.stack.stop()
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  expect(await readSentence(page, 'Not sent')).toBe(
    `Not sent: the Worker at ${harness.stack.workerURL.origin} does not respond. ` +
      'Start the local stack again with "npm start".',
  )
  await page.getByText('The list below may be out of date').waitFor()
  await chooseCaller(page, 'Ada Berg')
  await page.getByRole('button', { name: 'Sign in as Ada Berg' }).click()
  expect(await readSentence(page, 'Not signed in')).toBe(
    `Not signed in: the provider at ${harness.stack.issuer} does not respond. ` +
      'Start the local stack again with "npm start".',
  )
})
