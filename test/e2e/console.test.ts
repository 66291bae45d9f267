/**
 * The console in a real Chromium: a person signs in at the provider and removes people by the cross-origin call that any
 * front end makes.
 */
import { execFileSync } from 'node:child_process'
import { request } from 'node:http'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  chooseCaller,
  choosePerson,
  openPage,
  passProviderPage,
  prepareRefusal,
  readSentence,
  signInAtConsole,
} from './support/browser'
import { readTables, startConsoleHarness, type ConsoleHarness } from './support/console-harness'

let harness: ConsoleHarness

beforeAll(async () => {
  harness = await startConsoleHarness()
})

afterAll(() => harness?.stop())

const open = () => openPage(harness.browser, { url: harness.stack.consoleOrigin })
const resultOf = (page: Page) => page.getByRole('region', { name: 'Result' })
const fold = (page: Page, title: string) => resultOf(page).locator('summary', { hasText: title })

/** The latest result with its details unfolded, once its sentence contains `part`. */
async function readResult(page: Page, part: string): Promise<string> {
  await readSentence(page, part)
  await fold(page, 'Response').click()
  await fold(page, 'Database').click()
  return resultOf(page).innerText()
}

describe('signing in', () => {
  test('uses the authorization code with PKCE, and puts no token into a URL', async () => {
    const { page } = await open()
    const asked: URL[] = []
    const posted: URLSearchParams[] = []
    page.on('request', (request) => {
      asked.push(new URL(request.url()))
      if (request.url().endsWith('/token')) {
        posted.push(new URLSearchParams(request.postData() ?? ''))
      }
    })
    // The recommended person is one click away, and the provider asks nothing else.
    await page.getByRole('button', { name: 'Sign in as Ada Berg' }).click()
    await page.getByRole('heading', { name: 'Recommended' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Sign out Ada Berg' }).waitFor()

    const authorization = asked.find(({ pathname }) => pathname === '/auth')?.searchParams
    expect(authorization?.get('response_type')).toBe('code')
    expect(authorization?.get('code_challenge_method')).toBe('S256')
    expect(authorization?.get('code_challenge')).toMatch(/^[\w-]{43}$/)
    expect(posted.map((form) => form.get('grant_type'))).toEqual(['authorization_code'])
    expect(posted[0]?.get('code_verifier')).toMatch(/^[\w-]{43,}$/)
    expect(posted[0]?.has('client_secret')).toBe(false)
    expect(asked.filter(({ href }) => href.includes('eyJ'))).toEqual([])
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

test('the page shows the organizations of D1, also after another program changes them', async () => {
  const { page } = await open()
  const person = page.getByRole('button', { name: /Liam Park/ })
  await page.getByRole('button', { name: /Meadow Clinic/ }).click()
  await person.getByText('Administrators').waitFor()
  expect(await person.getByText('suspended here').count()).toBe(0)
  await harness.stack.database
    .prepare("UPDATE organization_users SET state = 'suspended' WHERE id = 'meadow-liam'")
    .run()
  await person.getByText('suspended here').waitFor()
})

test('an administrator removes a person by keyboard and sees a sentence, then the details', async () => {
  const { page, complaints } = await open()
  await signInAtConsole(page, 'Ada Berg')
  const before = await readTables(harness.stack)

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

  const after = await readTables(harness.stack)
  const gone = (table: string) => before[table]!.filter((row) => !after[table]!.includes(row))
  expect(gone('organization_users')).toHaveLength(1)
  expect(gone('group_members')).toHaveLength(3)
  expect([...gone('users'), ...gone('groups'), ...gone('user_deletions')]).toEqual([])
  expect(await people.getByRole('button', { name: /Dara Flynn/ }).count()).toBe(0)
  const records = page.getByRole('region', { name: 'Deletion records' })
  await records.getByText('removed from Lumen Robotics and 3 groups by Ada Berg').waitFor()
  expect(harness.log.filter((line) => line.includes('"groupsRemoved":3'))).toHaveLength(1)
  expect(complaints).toEqual([])
})

test('a token of the page is bound to a key that no script can read out', async () => {
  const { page } = await open()
  await signInAtConsole(page, 'Ada Berg')
  const token = await page.evaluate("JSON.parse(sessionStorage.getItem('sessions'))[0].token")
  const exported = await page.evaluate(`new Promise((resolve) => {
    indexedDB.open('identity-console').addEventListener('success', ({ target }) => {
      const store = target.result.transaction('keys').objectStore('keys')
      store.get('pair').addEventListener('success', ({ target }) => {
        const { privateKey } = target.result
        const done = crypto.subtle.exportKey('jwk', privateKey).then(() => 'a key', ({ name }) => name)
        resolve(done.then((result) => [privateKey.extractable, result]))
      })
    })
  })`)
  expect(exported).toEqual([false, 'InvalidAccessError'])
  const url = new URL('/api/v1/organizations/lumen/users/lumen-ada', harness.stack.workerURL)
  for (const scheme of ['Bearer', 'DPoP']) {
    const headers = { Authorization: `${scheme} ${String(token)}` }
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(401)
  }
  const refused = () => harness.log.filter((line) => line.includes('"reason":"dpop_missing"'))
  await vi.waitFor(() => expect(refused()).toHaveLength(2))
})

test('a repeat with the same idempotency key gets 200 and changes nothing', async () => {
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

test('a member without permission leaves, and the record shows the groups', async () => {
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

test('the event of a deletion arrives, and one that stayed in the outbox arrives with the sweep', async () => {
  const { page } = await open()
  const events = page.getByRole('region', { name: 'Deletion events' })
  const ofInes = events.getByRole('listitem').filter({ hasText: 'harbour-ines' })
  await signInAtConsole(page, 'Chioma Eze')
  await page.getByRole('button', { name: /Harbour Logistics/ }).click()
  await choosePerson(page, 'Inés López')
  await page.getByRole('button', { name: 'Remove Inés López' }).click()
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

test('a service account can call, too', async () => {
  const { page } = await open()
  await chooseCaller(page, 'HR sync (service account)')
  await choosePerson(page, 'Noor Saleh')
  await page.getByRole('button', { name: 'Remove Noor Saleh' }).click()
  await readSentence(page, 'Noor Saleh was removed')
  const records = page.getByRole('region', { name: 'Deletion records' })
  expect(await records.innerText()).toContain('and 2 groups by HR sync (service account)')
})

describe('each kind of refusal can be tried, is shown, and changes nothing', () => {
  let page: Page

  beforeAll(async () => {
    page = (await open()).page
  })

  test.each<[sentence: string, title: string, error: string, signsIn?: string]>([
    ['401 Unauthorized', 'No token', 'access_denied'],
    ['401 Unauthorized', 'A token that expired an hour ago', 'access_denied'],
    ['401 Unauthorized', 'A token with one character changed', 'access_denied', 'Ada Berg'],
    ['401 Unauthorized', 'A copied token, without its key', 'access_denied', 'Ada Berg'],
    ['401 Unauthorized', 'A person unknown to the database', 'access_denied', 'Zoë Visitor'],
    ['401 Unauthorized', 'A person who is suspended', 'access_denied', 'Jonas Meyer'],
    ['403 Forbidden', 'An auditor, who can only read', 'forbidden', 'Bruno Costa'],
    ['403 Forbidden', 'An administrator whose membership is suspended', 'forbidden', 'Goran Ilić'],
    ['403 Forbidden', 'A user of an organization that is not yours', 'forbidden', 'Ada Berg'],
    ['403 Forbidden', 'A suspended member who wants to leave', 'forbidden', 'Goran Ilić'],
    ['403 Forbidden', 'The last administrator', 'forbidden', 'Ada Berg'],
    ['404 Not Found', 'A user ID that does not exist', 'not_found', 'Ada Berg'],
    ['404 Not Found', 'A user ID of another organization', 'not_found', 'Ada Berg'],
    ['404 Not Found', 'A path that does not exist', 'not_found'],
    ['405 Method Not Allowed', 'Another method', 'method_not_allowed', 'Ada Berg'],
  ])('%s: %s', async (sentence, title, error, signsIn) => {
    await page.reload() // keeps who is signed in, and forgets the result before
    const before = await readTables(harness.stack)
    await prepareRefusal(page, title)
    const signIn = page.getByRole('button', { name: `Sign in as ${signsIn}` })
    if (await signIn.isVisible()) {
      await signIn.click()
      await passProviderPage(page, String(signsIn))
    }
    await page.getByRole('button', { name: /^(Send|Remove|Leave)/ }).click()
    const text = await readResult(page, `Refused with ${sentence}: `)
    expect(text).toContain(`"error":"${error}"`)
    expect(text).toContain('nothing changed')
    expect(await readTables(harness.stack)).toEqual(before)
  })
})

test('an expired session sends nothing and says who has to sign in', async () => {
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
  expect(await fold(page, 'Response').count()).toBe(0) // that of the older call
  expect(await page.getByRole('button', { name: 'Sign in as Kemi Okafor' }).isVisible()).toBe(true)
})

test('a call that CORS forbids names the setting', async () => {
  const { page } = await open()
  await chooseCaller(page, 'No token')
  await page.getByText(/^Request/).click()
  await page.getByLabel('Path').fill('/nowhere') // OPTIONS gets 404
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  const advice = `CORS_ORIGINS must name ${harness.stack.consoleOrigin}`
  expect(await readSentence(page, 'Not sent')).toContain(advice)
})

test('an unreadable database gets one log line and a sentence, and blocks no call', async () => {
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
    expect(errors.mock.calls.map(([line]) => String(line))).toEqual([
      expect.stringMatching(/^Console: GET \/snapshot failed: .*no such table: organizations.*$/),
    ])
  } finally {
    await database.prepare('ALTER TABLE hidden RENAME TO organizations').run()
    errors.mockRestore()
  }
  await page.getByText('The list below may be out of date').waitFor({ state: 'detached' })
})

test('the page continues after workerd was killed and started again', async () => {
  const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const { page } = await open()
  await page.getByRole('button', { name: /Meadow Clinic/ }).click()
  const children = execFileSync('pgrep', ['-P', String(process.pid), '-x', 'workerd'])
  const processIDs = String(children).trim().split('\n').map(Number)
  expect(processIDs).toHaveLength(1)
  process.kill(processIDs[0]!, 'SIGKILL')
  const suspend = "UPDATE organization_users SET state = 'suspended' WHERE id = 'meadow-mina'"
  await vi.waitFor(async () => (await harness.stack.openDatabase()).prepare(suspend).run(), 20_000)
  await page
    .getByRole('button', { name: /Mina Rossi/ })
    .getByText('suspended here')
    .waitFor()
  expect(errors.mock.calls.length).toBeLessThanOrEqual(1)
  errors.mockRestore()
})

test.each([
  ['the console', () => harness.stack.consoleOrigin, ['/', '/settings', '/snapshot']],
  ['the provider', () => harness.stack.issuer, ['/jwks', '/auth']],
])('%s rejects requests for another host name', async (_, origin, paths) => {
  const { port } = new URL(origin())
  const ask = (path: string, host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const url = new URL(path, origin())
      request(url, { headers: { Host: host } }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
  for (const path of paths) {
    expect(await ask(path, `rebound.example:${port}`)).toBe(403)
    expect(await ask(path, `127.0.0.1:${port}`)).not.toBe(403)
  }
})

test("no other page can use the console's data as a script or read it", async () => {
  const response = await fetch(`${harness.stack.consoleOrigin}/snapshot`)
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff')
  expect(response.headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin')
})

test('a stopped stack: nothing is sent, and the page says how to continue', async () => {
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
