/**
 * `npm run screenshots`: takes the pictures of the console that the documents show, on fresh seed data, into docs/images/.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import getPort from 'get-port'
import { installChromium } from './install.ts'
import { openPage, prepareRefusal, signInAtConsole } from './support/browser.ts'
import { startConsoleRig } from './support/console-rig.ts'

const FOLDER = join(import.meta.dirname, '../../docs/images')

installChromium()
console.log('Starting the local stack with its console …')
const rig = await startConsoleRig({
  worker: await getPort({ port: 8787 }), // as `npm start` has them, where they are free
  issuer: await getPort({ port: 8788 }),
  console: await getPort({ port: 8789 }),
})
try {
  await mkdir(FOLDER, { recursive: true })
  const url = rig.stack.console.origin

  const { page: desktop } = await openPage(rig.browser, { url, width: 1280, height: 960 })
  await signInAtConsole(desktop, 'Ada Berg')
  await desktop.getByRole('button', { name: 'Remove Dara Flynn' }).click()
  await desktop.getByRole('button', { name: 'Send DELETE' }).click()
  await desktop.getByText('3 rows gone').waitFor()
  await desktop.evaluate('scrollTo(0, 0)')
  await desktop.screenshot({ path: join(FOLDER, 'console.png') })
  console.log('docs/images/console.png')

  const { page: phone } = await openPage(rig.browser, { url, width: 390, height: 844 })
  await signInAtConsole(phone, 'Bruno Costa')
  await phone.screenshot({ path: join(FOLDER, 'console-phone.png') })
  console.log('docs/images/console-phone.png')

  await phone.emulateMedia({ colorScheme: 'dark' })
  await prepareRefusal(phone, 'An auditor may look, not remove')
  await phone.getByRole('button', { name: 'Send DELETE' }).click()
  await phone.getByRole('heading', { name: '403 Forbidden' }).waitFor()
  await phone.screenshot({ path: join(FOLDER, 'console-phone-refusal.png') })
  console.log('docs/images/console-phone-refusal.png')
} finally {
  await rig.stop()
}
