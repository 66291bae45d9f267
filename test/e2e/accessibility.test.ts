/**
 * axe, an accessibility checker, on each state of the console and on the provider's page: light and dark, wide and narrow.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { choosePerson, openPage, passProviderPage, prepareRefusal } from './support/browser'
import { startConsoleRig, type ConsoleRig } from './support/console-rig'

let rig: ConsoleRig
let axe: string

beforeAll(async () => {
  axe = await readFile(join(import.meta.dirname, 'node_modules/axe-core/axe.min.js'), 'utf8')
  rig = await startConsoleRig()
})

afterAll(() => rig?.stop())

/** The rules that the page breaks, each with the elements. */
async function findViolations(page: Page): Promise<unknown> {
  await page.evaluate(axe)
  return page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => ({ id, elements: nodes.map(({ html }) => html) })))`)
}

test.each([
  ['wide and light', 1280, 'light', 'Dara Flynn'],
  ['narrow and dark', 390, 'dark', 'Noor Saleh'],
] as const)('no state breaks a rule of axe: %s', async (_, width, colorScheme, name) => {
  const { page } = await openPage(rig.browser, { url: rig.stack.console.origin, width })
  const result = page.getByRole('region', { name: 'Result' }).getByRole('alert')
  await page.emulateMedia({ colorScheme })
  await page.getByRole('heading', { name: 'People of Lumen Robotics' }).waitFor()
  expect(await findViolations(page)).toEqual([])

  await page.getByRole('button', { name: 'Sign in as Ada Berg' }).click()
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  expect(await findViolations(page)).toEqual([])
  await passProviderPage(page, 'Ada Berg')

  await choosePerson(page, name)
  await page.getByRole('button', { name: `Remove ${name}` }).click()
  await result.getByText(`${name} was removed`).waitFor()
  for (const summary of await page.locator('#result summary').all()) await summary.click()
  expect(await findViolations(page)).toEqual([])

  await prepareRefusal(page, 'A user ID that does not exist')
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await result.getByText('Refused with 404').waitFor()
  expect(await findViolations(page)).toEqual([])

  await page.getByText(/^Request/).click()
  await page.getByLabel('Path').fill('/nowhere')
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await result.getByText('Not sent').waitFor()
  expect(await findViolations(page)).toEqual([])
})
