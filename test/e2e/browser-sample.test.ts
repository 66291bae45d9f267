/**
 * The browser code of docs/callers.md in a page that is served by plain HTTP, against responses that are not the Worker's.
 * What it makes of the Worker itself is in origins.test.ts.
 */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDocument } from '../operations/document'
import {
  foreignCases,
  serveForeignResponses,
  type ForeignServer,
} from '../support/node/foreign-responses'
import { launchBrowser, openPage } from './support/browser'
import { ROOT } from './support/tools'

/** A name that is not `localhost`, whose pages have what HTTPS pages have. */
const HOST = 'plain.example'

let foreign: ForeignServer
let browser: Browser
let page: Page
let origin: string
let code: string

beforeAll(async () => {
  const document = await readDocument(join(ROOT, 'docs/callers.md'))
  code = document.section('From a browser').code[0]!.text
  foreign = await serveForeignResponses()
  origin = foreign.origin.replace('127.0.0.1', HOST)
  browser = await launchBrowser(`--host-resolver-rules=MAP ${HOST} 127.0.0.1`)
  ;({ page } = await openPage(browser, { url: origin }))
})

afterAll(async () => {
  await browser?.close()
  foreign?.stop()
})

function removeUser(worker: string, organizationID: string): Promise<unknown> {
  const values = JSON.stringify([worker, 'token', organizationID, 'u'])
  return page.evaluate(`${code}
    removeUser(...${values}).then(() => 'removed', (error) => error.message)`)
}

test('the page has no crypto.randomUUID()', async () => {
  expect(await page.evaluate('[isSecureContext, crypto.randomUUID]')).toEqual([false, undefined])
})

describe('the sample', () => {
  test.each(foreignCases)(
    'does not take $status for a removal: $title',
    async ({ status, organizationID, error, retryAfter }) => {
      // A browser tells a page that there is a redirect, but not which.
      const seen = status === 302 || status === 307 ? 0 : status
      const advice = retryAfter === undefined ? '' : `, try again in ${retryAfter} s`
      expect(await removeUser(origin, organizationID)).toBe(
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

  test('gives up after three attempts if there is no response that the page may read', async () => {
    expect(await removeUser(foreign.origin, 'elsewhere')).toBe('no response')
  })
})
