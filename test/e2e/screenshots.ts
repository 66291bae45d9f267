/**
 * `npm run screenshots`: writes the pictures of the console for README.md into docs/images/, on new seed data.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import getPort from 'get-port'
import type { Page } from 'playwright-core'
import { installChromium } from './install.ts'
import {
  choosePerson,
  openPage,
  prepareRefusal,
  removePerson,
  signInAtConsole,
} from './support/browser.ts'
import { startConsoleHarness } from './support/console-harness.ts'

const FOLDER = join(import.meta.dirname, '../../docs/images')

installChromium()
console.log('Starting the local stack with its console …')
const harness = await startConsoleHarness({
  worker: await getPort({ port: 8787 }), // the ports of `npm start`, if they are free
  issuer: await getPort({ port: 8788 }),
  console: await getPort({ port: 8789 }),
})
try {
  await mkdir(FOLDER, { recursive: true })
  const url = harness.stack.consoleOrigin
  const shoot = async (page: Page, name: string) => {
    await page.mouse.move(0, 0) // otherwise a button shows its hover colour
    await page.screenshot({ path: join(FOLDER, name) })
    console.log(`docs/images/${name}`)
  }

  const { page: desktop } = await openPage(harness.browser, { url, width: 1280, height: 860 })
  await signInAtConsole(desktop, 'Ada Berg')
  await removePerson(desktop, 'Dara Flynn')
  await desktop.getByText('Dara Flynn was removed').waitFor()
  await choosePerson(desktop, 'Otto Weiß')
  await shoot(desktop, 'console.png')

  const { page: phone } = await openPage(harness.browser, { url, width: 390, height: 844 })
  await phone.emulateMedia({ colorScheme: 'dark' })
  await signInAtConsole(phone, 'Bruno Costa')
  await prepareRefusal(phone, 'An auditor, who can only read')
  await phone.getByText('Try a refusal').click()
  await phone.getByRole('button', { name: 'Remove Emil Novak' }).click()
  await phone.getByText('Refused with 403').waitFor()
  await shoot(phone, 'console-phone.png')
} finally {
  await harness.stop()
}
