/**
 * What a browser gives to a page of an origin that CORS_ORIGINS does not name: nothing, and nothing happens. The page has a
 * good token; the page of the named origin gets through with the same one.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callers } from '../../dev/seed-data'
import { readCodeSpans, readDocument } from '../operations/document'
import { openPage } from './support/browser'
import { readTables, startConsoleHarness, type ConsoleHarness } from './support/console-harness'
import { serveForeignPage, type ForeignPage } from './support/foreign-page'

/** What `fetch` in a page came to: a status and what could be read, or the name of the error. */
const CALL = `async ([url, init]) => {
  try {
    const response = await fetch(url, init)
    return [response.status, response.type, await response.text(), [...response.headers.keys()]]
  } catch (error) {
    return error.name
  }
}`

let harness: ConsoleHarness
let foreign: ForeignPage
let url: string
let token: string
let init: { method: string; headers: Record<string, string> }

beforeAll(async () => {
  harness = await startConsoleHarness()
  foreign = await serveForeignPage()
  url = `${harness.stack.workerURL.origin}/api/v1/organizations/lumen/users/lumen-emil`
  token = await harness.stack.signIn('ada.berg')
  init = { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } }
})

afterAll(async () => {
  foreign?.stop()
  await harness?.stop()
})

const callFrom = (page: Page, ...request: [url: string, init: object]): Promise<unknown> =>
  page.evaluate(`(${CALL})(${JSON.stringify(request)})`)

test('a page of another origin gets nothing, and its call removes nobody', async () => {
  const { page } = await openPage(harness.browser, { url: foreign.url })
  const before = await readTables(harness.stack)
  expect(await callFrom(page, url, init)).toBe('TypeError')
  expect(await readTables(harness.stack)).toEqual(before)
  // The browser asked with a preflight, and never sent the call itself.
  expect(harness.log.filter((line) => line.includes('"method":"DELETE"'))).toEqual([])
})

test('a request without preflight is answered, but the page cannot read the answer', async () => {
  const { page } = await openPage(harness.browser, { url: foreign.url })
  expect(await callFrom(page, url, { method: 'GET' })).toBe('TypeError')
  const opaque = await callFrom(page, url, { method: 'GET', mode: 'no-cors' })
  expect(opaque).toEqual([0, 'opaque', '', []])
})

test("a foreign page gets neither the console's data nor its tokens", async () => {
  const { page } = await openPage(harness.browser, { url: foreign.url })
  const origin = harness.stack.consoleOrigin
  expect(await callFrom(page, `${origin}/snapshot`, {})).toBe('TypeError')
  expect(await callFrom(page, `${origin}/tokens/expired`, { method: 'POST' })).toBe('TypeError')
  const posted = await fetch(`${origin}/tokens/expired`, {
    method: 'POST',
    headers: { Origin: new URL(foreign.url).origin },
  })
  expect(posted.status).toBe(403)
  expect(await posted.text()).not.toContain('eyJ')
})

test('the page of the named origin gets its answer with the same token', async () => {
  const { page } = await openPage(harness.browser, { url: harness.stack.consoleOrigin })
  const readable = expect.arrayContaining(['www-authenticate', 'x-request-id'])
  const refused = expect.stringContaining('access_denied')
  expect(await callFrom(page, url, { method: 'DELETE' })).toEqual([401, 'cors', refused, readable])
  expect(await callFrom(page, url, init)).toEqual([200, 'cors', '', expect.any(Array)])
})

const readSection = async (heading = 'From a browser') => {
  const page = await readDocument(join(import.meta.dirname, '../../docs/callers.md'))
  return page.section(heading)
}

test('a page of the named origin may send the headers that docs/callers.md lists, and no other', async () => {
  const [, list = ''] = /It may send (.*?);/s.exec((await readSection()).text) ?? []
  const names = readCodeSpans(list)
  expect(names).toEqual(expect.arrayContaining(['Content-Type', 'Tracestate', 'Baggage']))
  const headers = Object.fromEntries(names.map((name) => [name, 'value']))
  const { page } = await openPage(harness.browser, { url: harness.stack.consoleOrigin })
  const refused = [401, 'cors', expect.any(String), expect.any(Array)]
  expect(await callFrom(page, url, { method: 'DELETE', headers })).toEqual(refused)
  headers['X-Tracker'] = 'value'
  expect(await callFrom(page, url, { method: 'DELETE', headers })).toBe('TypeError')
})

test('the browser code of docs/callers.md removes a user from a page of the named origin, or names the error', async () => {
  const code = (await readSection()).code[0]?.text
  const { page } = await openPage(harness.browser, { url: harness.stack.consoleOrigin })
  const remove = (organizationID: string, userID: string): Promise<unknown> => {
    const values = [harness.stack.workerURL.origin, token, organizationID, userID]
    return page.evaluate(`${code}
      removeUser(...${JSON.stringify(values)}).then(() => 'removed', (error) => error.message)`)
  }
  expect(await remove('lumen', 'lumen-noor')).toBe('removed')
  expect(await remove('lumen', 'lumen-noor')).toMatch(
    /^not_found: the requested resource does not exist \([\w-]{36}\)$/,
  )
  expect(await remove('harbour', 'harbour-kemi')).toMatch(/^forbidden: /)
})

test('the code of docs/callers.md for bound tokens gets one with its proof, and removes a user with it', async () => {
  const [sample] = (await readSection()).code
  const [proofs, inLoop] = (await readSection('With a token bound to a key')).code
  const { page } = await openPage(harness.browser, { url: harness.stack.consoleOrigin })
  await page.evaluate(`${proofs!.text}\nvar key = createKey()`)
  const tokenEndpoint = `${harness.stack.issuer}/token`
  const proof = await page.evaluate(
    `key.then((key) => makeProof(key, 'POST', ${JSON.stringify(tokenEndpoint)}))`,
  )
  const bound = await requestToken(tokenEndpoint, String(proof))

  const loop = 'for (let attempt = 1; ; attempt++) {'
  expect(sample!.text).toContain(loop)
  const code = sample!.text.replace(loop, `${loop}\n${inLoop!.text}`)
  const remove = (userID: string): Promise<unknown> => {
    const values = [harness.stack.workerURL.origin, bound, 'lumen', userID]
    return page.evaluate(`key.then((key) => { ${code}
      return removeUser(...${JSON.stringify(values)}).then(() => 'removed', ({ message }) => message)
    })`)
  }
  expect(await remove('lumen-otto')).toBe('removed')
  expect(await remove('lumen-otto')).toMatch(/^not_found: /)
  const copied = { Authorization: `Bearer ${bound}` }
  expect((await fetch(url, { method: 'DELETE', headers: copied })).status).toBe(401)
})

/** A token of the service account, bound to the key of a proof. */
async function requestToken(endpoint: string, DPoP: string): Promise<string> {
  const secrets = JSON.parse(await readFile(harness.stack.state.providerSecrets, 'utf8')) as {
    serviceAccounts: Record<string, string>
  }
  const credentials = `${callers.serviceAccount}:${secrets.serviceAccounts[callers.serviceAccount]}`
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(credentials)}`, DPoP },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: harness.stack.audience,
      scope: 'users:delete',
    }),
  })
  const tokens = await response.json<{ token_type: string; access_token: string }>()
  expect(tokens.token_type).toBe('DPoP')
  return tokens.access_token
}
