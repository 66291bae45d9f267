/**
 * Every link of the documents that stays inside the project leads to a file that is there, and to a heading that it has.
 */
import { existsSync } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { marked, type Token } from 'marked'
import { expect, test } from 'vitest'

async function listDocuments(): Promise<string[]> {
  const names = [...(await readdir('.')), ...(await readdir('docs')).map((name) => `docs/${name}`)]
  const examples = (await readdir('examples')).map((name) => `examples/${name}/README.md`)
  return [...names, ...examples].filter((name) => extname(name) === '.md' && existsSync(name))
}

/** Every token of a document, the inner ones too. */
async function readTokens(path: string): Promise<Token[]> {
  const tokens: Token[] = []
  const document = marked.lexer(await readFile(path, 'utf8'))
  void marked.walkTokens(document, (token) => void tokens.push(token)) // at once, since the callback is
  return tokens
}

/** The anchors that GitHub gives to headings. */
async function readAnchors(path: string): Promise<string[]> {
  const headings = (await readTokens(path)).filter(({ type }) => type === 'heading')
  return headings.map((heading) =>
    String((heading as { text?: string }).text)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every link inside the project leads somewhere', async () => {
  const broken: string[] = []
  let count = 0
  for (const path of await listDocuments()) {
    for (const token of await readTokens(path)) {
      const href = token.type === 'link' || token.type === 'image' ? String(token.href) : ''
      if (href === '' || /^[a-z]+:/.test(href)) continue
      count += 1
      const [file = '', anchor] = href.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      const isThere = await access(target).then(
        () => true,
        () => false,
      )
      const hasHeading =
        anchor === undefined || (isThere && (await readAnchors(target)).includes(anchor))
      if (!isThere || !hasHeading) broken.push(`${path}: ${href}`)
    }
  }
  expect(broken).toEqual([])
  expect(count).toBeGreaterThan(30)
})
