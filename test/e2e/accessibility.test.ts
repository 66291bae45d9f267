/**
 * Each state of the console and the provider's page, wide and light, narrow and dark: breaks no rule of axe, fits into
 * its frame with names of 100 characters, and has no text below 12 px.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, expect, test } from 'vitest'
import {
  chooseCaller,
  choosePerson,
  openPage,
  passProviderPage,
  prepareRefusal,
  readSentence,
} from './support/browser'
import { createSeed } from '../../dev/seeder'
import { startConsoleHarness } from './support/console-harness'

/** 100 characters without a place to break. */
const long = (prefix: string) => prefix.padEnd(100, 'abcdefghijklmnopqrstuvwxyz0123456789')
const ORGANIZATION = long('Organization')
const PEOPLE = { light: long('auth0|light'), dark: long('auth0|dark') } as const

const axe = await readFile(join(import.meta.dirname, 'node_modules/axe-core/axe.min.js'), 'utf8')
const harness = await startConsoleHarness()
afterAll(() => harness.stop())

const seed = createSeed()
const id = seed.organization(long('organization'), ORGANIZATION)
const group = seed.group(id, [], long('group'), long('Group'))
for (const subject of Object.values(PEOPLE)) {
  const personOptions = { id: subject, subject }
  seed.member(id, { id: subject, personOptions, state: 'suspended', groups: [group] })
}
await seed.save(harness.stack.database)

/** The rules of axe that the page breaks, what does not fit into the window or its card, and text that is too small. */
async function findFaults(page: Page): Promise<unknown> {
  await page.evaluate(axe)
  return page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) => {
    const faults = violations.map(({ id, nodes }) => id + nodes.map(({ html }) => html))
    if (document.scrollingElement.scrollWidth > innerWidth) faults.push('scrolls sideways')
    for (const element of document.querySelectorAll('body *')) {
      const { right, width } = element.getBoundingClientRect()
      const frame = element.parentElement.closest('.card, main, body').getBoundingClientRect()
      if (width > 0 && right > frame.right + 1) faults.push('sticks out: ' + element.outerHTML)
      const isSmall = parseFloat(getComputedStyle(element).fontSize) < 12
      if (isSmall) faults.push('is too small: ' + element.outerHTML)
    }
    return faults
  })`)
}

async function readColor(page: Page, selector: string): Promise<number[]> {
  const color = `getComputedStyle(document.querySelector('${selector}')).backgroundColor`
  return String(await page.evaluate(color))
    .match(/\d+/g)!
    .map(Number)
}

test.each([
  [1280, 900, 'light'],
  [390, 844, 'dark'],
] as const)('has no fault in any state at %i × %i, %s', async (width, height, colorScheme) => {
  const url = harness.stack.consoleOrigin
  const { page } = await openPage(harness.browser, { url, width, height })
  const person = PEOPLE[colorScheme]
  const isDark = async () => (await readColor(page, 'body')).every((part) => part < 64)
  const isInView = async () => {
    const { y, height: size } = (await page.locator('button[name=send]').boundingBox())!
    return y > 0 && y + size < height
  }
  await page.emulateMedia({ colorScheme })

  await page.getByRole('button', { name: ORGANIZATION }).waitFor()
  expect(await isInView()).toBe(true) // without scrolling
  await page.getByRole('button', { name: ORGANIZATION }).click()
  expect(await findFaults(page)).toEqual([])
  expect(await isDark()).toBe(colorScheme === 'dark')

  await chooseCaller(page, 'Chioma Eze')
  await page.getByRole('button', { name: 'Sign in as Chioma Eze' }).click()
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  expect(await findFaults(page)).toEqual([])
  expect(await isDark()).toBe(colorScheme === 'dark')
  await passProviderPage(page, 'Chioma Eze')

  await choosePerson(page, person)
  const send = page.getByRole('button', { name: `Remove ${person}` })
  await send.waitFor()
  expect(await isInView()).toBe(true)
  await expect
    .poll(async () => {
      const [red = 0, ...others] = await readColor(page, 'button[name=send]')
      return others.every((part) => red > 1.5 * part)
    })
    .toBe(true)
  expect(await findFaults(page)).toEqual([])

  await send.click()
  await readSentence(page, 'and 1 group.')
  for (const summary of await page.locator('#result summary').all()) await summary.click()
  expect(await findFaults(page)).toEqual([])

  await prepareRefusal(page, 'A user ID that does not exist')
  await chooseCaller(page, 'No token')
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await readSentence(page, 'Refused with 401')
  expect(await findFaults(page)).toEqual([])

  await page.getByText(/^Request/).click()
  await page.getByLabel('Path').fill('/nowhere')
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  const advice = await readSentence(page, 'Not sent') // OPTIONS gets 404
  expect(advice).toContain(`CORS_ORIGINS must name ${url}`)
  expect(await findFaults(page)).toEqual([])
})
