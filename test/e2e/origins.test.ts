/**
 * What a browser gives to a page of the origin in CORS_ORIGINS and to a page of another origin, and the browser code of
 * docs/callers.md in both.
 */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { callers } from '../../dev/seed-data'
import { readCodeSpans, readDocument } from '../operations/document'
import { foreignCases, serveForeignResponses } from '../support/node/foreign-responses'
import { openPage, PLAIN_HOST } from './support/browser'
import { readRows, startConsoleHarness } from './support/console-harness'

/** Returns what a page can read of a response, or the name of the error. */
const CALL = `async ([url, init]) => {
  try {
    const response = await fetch(url, init)
    return [response.status, response.type, await response.text(), [...response.headers.keys()]]
  } catch (error) {
    return error.name
  }
}`

const document = await readDocument('docs/callers.md')
const section = document.section('From a browser')
const sample = section.code[0]!.text

const harness = await startConsoleHarness()
const foreign = await serveForeignResponses()
afterAll(async () => {
  foreign.stop()
  await harness.stop()
})

const { page: foreignPage } = await openPage(harness.browser, { url: foreign.origin })
const { page: permittedPage } = await openPage(harness.browser, {
  url: harness.stack.consoleOrigin,
})
const url = `${harness.stack.workerURL.origin}/api/v1/organizations/lumen/users/lumen-emil`
const token = await harness.stack.signIn('ada.berg')
const init = { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } }

const callFrom = (page: Page, ...request: [url: string, init: object]): Promise<unknown> =>
  page.evaluate(`(${CALL})(${JSON.stringify(request)})`)

/** Runs the browser code of the document in a page; returns `removed` or the message of the error. */
const removeFrom = (page: Page, code: string, ...values: string[]): Promise<unknown> =>
  page.evaluate(`${code}
    removeUser(...${JSON.stringify(values)}).then(() => 'removed', (error) => error.message)`)

describe('a page of another origin', () => {
  test('gets no response, and its call removes no user', async () => {
    const before = await readRows(harness.stack)
    expect(await callFrom(foreignPage, url, init)).toBe('TypeError')
    expect(await readRows(harness.stack)).toEqual(before)
    // The browser sent a preflight, and never sent the call itself.
    expect(harness.log.filter((line) => line.includes('"method":"DELETE"'))).toEqual([])
  })

  test('cannot read the response to a request without preflight', async () => {
    expect(await callFrom(foreignPage, url, { method: 'GET' })).toBe('TypeError')
    const opaque = await callFrom(foreignPage, url, { method: 'GET', mode: 'no-cors' })
    expect(opaque).toEqual([0, 'opaque', '', []])
  })

  test("gets neither the console's data nor its tokens", async () => {
    const origin = harness.stack.consoleOrigin
    const tokens = `${origin}/tokens/expired`
    for (const mode of ['cors', 'no-cors']) {
      expect(await callFrom(foreignPage, `${origin}/snapshot`, { mode })).toBe('TypeError')
    }
    expect(await callFrom(foreignPage, tokens, { method: 'POST' })).toBe('TypeError')
    const headers = { Origin: foreign.origin }
    const response = await fetch(tokens, { method: 'POST', headers })
    expect(response.status).toBe(403)
    expect(await response.text()).not.toContain('eyJ')
  })
})

describe('a page of the permitted origin', () => {
  test('gets each response, and removes a user', async () => {
    const readable = expect.arrayContaining(['www-authenticate', 'x-request-id'])
    const refused = [401, 'cors', expect.stringContaining('access_denied'), readable]
    expect(await callFrom(permittedPage, url, { method: 'DELETE' })).toEqual(refused)
    expect(await callFrom(permittedPage, url, init)).toEqual([200, 'cors', '', expect.any(Array)])
  })

  test('may send the headers that docs/callers.md lists, and no other', async () => {
    const [, list = ''] = /It may send (.*?);/s.exec(section.text) ?? []
    const names = readCodeSpans(list)
    expect(names).toEqual(expect.arrayContaining(['Content-Type', 'Tracestate', 'Baggage']))
    const headers = Object.fromEntries(names.map((name) => [name, 'value']))
    const refused = [401, 'cors', expect.any(String), expect.any(Array)]
    expect(await callFrom(permittedPage, url, { method: 'DELETE', headers })).toEqual(refused)
    headers['X-Tracker'] = 'value'
    expect(await callFrom(permittedPage, url, { method: 'DELETE', headers })).toBe('TypeError')
  })
})

describe('the browser code of docs/callers.md', () => {
  test('removes a user, or names the error', async () => {
    const worker = harness.stack.workerURL.origin
    const remove = (...ids: string[]) => removeFrom(permittedPage, sample, worker, token, ...ids)
    expect(await remove('lumen', 'lumen-noor')).toBe('removed')
    expect(await remove('lumen', 'lumen-noor')).toMatch(
      /^not_found: the requested resource does not exist \([\w-]{36}\)$/,
    )
    expect(await remove('harbour', 'harbour-kemi')).toMatch(/^forbidden: /)
  })

  test('gets a bound token with its proof, and removes a user with it', async () => {
    const [proofs, inLoop] = document.section('With a token bound to a key').code
    await permittedPage.evaluate(`${proofs!.text}\nvar key = createKey()`)
    const tokenEndpoint = `${harness.stack.issuer}/token`
    const proof = await permittedPage.evaluate(
      `key.then((key) => makeProof(key, 'POST', ${JSON.stringify(tokenEndpoint)}))`,
    )
    const bound = await requestToken(tokenEndpoint, String(proof))

    const loop = 'for (let attempt = 1; ; attempt++) {'
    expect(sample).toContain(loop)
    await permittedPage.evaluate('key.then((made) => (key = made))')
    const code = sample.replace(loop, `${loop}\n${inLoop!.text}`)
    const values = [harness.stack.workerURL.origin, bound, 'lumen', 'lumen-otto']
    expect(await removeFrom(permittedPage, code, ...values)).toBe('removed')
    expect(await removeFrom(permittedPage, code, ...values)).toMatch(/^not_found: /)
    const copied = { Authorization: `Bearer ${bound}` }
    expect((await fetch(url, { method: 'DELETE', headers: copied })).status).toBe(401)
  })

  describe('on plain HTTP', async () => {
    const origin = foreign.origin.replace('127.0.0.1', PLAIN_HOST)
    const { page } = await openPage(harness.browser, { url: origin })

    test('runs without crypto.randomUUID()', async () => {
      const found = await page.evaluate('[isSecureContext, crypto.randomUUID]')
      expect(found).toEqual([false, undefined])
    })

    test.each(foreignCases)(
      'does not take $status for a removal: $title',
      async ({ status, organizationID, error, retryAfter }) => {
        // A browser tells a page that there is a redirect, but not which.
        const seen = status === 302 || status === 307 ? 0 : status
        const advice = retryAfter === undefined ? '' : `, try again in ${retryAfter} s`
        expect(await removeFrom(page, sample, origin, 'token', organizationID, 'u')).toBe(
          error === undefined
            ? `not a response of the Worker, status ${seen}`
            : `${error}: a sentence (request-1)${advice}`,
        )
        const keys = foreign.keysFor(organizationID)
        expect(keys.length).toBe(retryAfter === '1' ? 3 : 1)
        expect(keys.filter((key) => !/^\d+(-\d+){3}$/.test(String(key)))).toEqual([])
        expect(new Set(keys).size).toBe(1)
      },
    )

    test('gives up after three attempts if the page may read no response', async () => {
      const values = [foreign.origin, 'token', 'elsewhere', 'u']
      expect(await removeFrom(page, sample, ...values)).toBe('no response')
    })
  })
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
