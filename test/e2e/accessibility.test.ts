/**
 * axe, the accessibility checker that others wrote, looks at the console in every state of it that a person sees, in light
 * and dark, wide and narrow.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPage, prepareRefusal, signInAtConsole } from './support/browser'
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
  ['wide and light', 1280, 'light'],
  ['narrow and dark', 390, 'dark'],
] as const)('the console breaks no rule of axe: %s', async (_, width, colorScheme) => {
  const { page } = await openPage(rig.browser, { url: rig.stack.console.origin, width })
  await page.emulateMedia({ colorScheme })
  await page.getByRole('heading', { name: 'People of Lumen Robotics' }).waitFor()
  expect(await findViolations(page)).toEqual([])

  await signInAtConsole(page, 'Bruno Costa')
  await prepareRefusal(page, 'An auditor may look, not remove')
  await page.getByRole('button', { name: 'Send DELETE' }).click()
  await page.getByRole('heading', { name: '403 Forbidden' }).waitFor()
  expect(await findViolations(page)).toEqual([])
})
