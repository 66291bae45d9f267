/**
 * A real Chromium without a window, and what a person does in it at the console and at the provider's pages.
 */
import { spawnSync } from 'node:child_process'
import { chromium, type Browser, type Page } from 'playwright-core'

/** A name of this machine that is not `localhost`: its pages have what pages on plain HTTP have. */
export const PLAIN_HOST = 'plain.example'

const FLAGS = [
  `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
  '--no-sandbox', // root cannot start it with a sandbox
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]
const STEP_TIMEOUT_MS = 20_000
const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** The path of a Chromium: CHROMIUM, or the first one on the PATH. */
export function findChromium(): string | undefined {
  if (process.env['CHROMIUM']) return process.env['CHROMIUM']
  const search = NAMES.map((name) => `command -v ${name}`).join(' || ')
  const { stdout } = spawnSync('sh', ['-c', search], { encoding: 'utf8' })
  return stdout.trim() || undefined
}

/**
 * Starts the browser.
 * @throws Error if there is none
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    throw new Error(
      'There is no Chromium on the PATH. Install it, or name one: CHROMIUM=/path/to/chrome',
    )
  }
  return chromium.launch({ executablePath, args: FLAGS })
}

/** Opens a page, and collects its errors. A step that takes too long fails. */
export async function openPage(
  browser: Browser,
  { url, width = 1280, height = 900 }: { url: string; width?: number; height?: number },
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' })
  context.setDefaultTimeout(STEP_TIMEOUT_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const { url: source } = message.location()
    if (message.type() === 'error') complaints.push(`${message.text()} (${source})`)
  })
  await page.goto(url)
  return { page, complaints }
}

/** At the provider's page: chooses who signs in, and returns to the console. */
export async function passProviderPage(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  await page.getByRole('button', { name }).click()
  await page.getByRole('heading', { name: 'Identity console' }).waitFor()
}

export async function chooseCaller(page: Page, label: string): Promise<void> {
  await page.getByLabel('Caller').selectOption({ label })
}

/** Signs in: from the console to the provider and back. */
export async function signInAtConsole(page: Page, name: string): Promise<void> {
  await chooseCaller(page, name)
  await page.getByRole('button', { name: `Sign in as ${name}` }).click()
  await passProviderPage(page, name)
  await page.getByRole('button', { name: `Sign out ${name}` }).waitFor()
}

/** At the console: prepares the removal of a person in the list. */
export async function choosePerson(page: Page, name: string): Promise<void> {
  await page
    .getByRole('region', { name: /^People of/ })
    .getByRole('button', { name })
    .click()
}

export async function removePerson(page: Page, name: string): Promise<void> {
  await choosePerson(page, name)
  await page.getByRole('button', { name: `Remove ${name}` }).click()
}

/** At the console: puts one of the prepared refusals into the form. */
export async function prepareRefusal(page: Page, title: string): Promise<void> {
  const refusal = page.getByRole('button', { name: title })
  if (!(await refusal.isVisible())) await page.getByText('Try a refusal').click()
  await refusal.click()
}

/** At the console: the sentence of the result, once it contains `part`. */
export async function readSentence(page: Page, part: string): Promise<string> {
  const result = page.getByRole('region', { name: 'Result' })
  const sentence = result.getByRole('alert').filter({ hasText: part })
  await sentence.waitFor()
  return sentence.innerText()
}
