/**
 * Reads the project's documents by section, with the tables and code blocks of each.
 */
import { readFile } from 'node:fs/promises'
import { marked, type Token, type Tokens } from 'marked'

/** A fenced code block. */
export interface CodeBlock {
  /** The first word after the fence. */
  readonly language: string
  /** The other words after the fence: a label for tests. */
  readonly notes: string
  readonly text: string
}

/** A table, each cell as Markdown. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A heading with all text up to the next heading of its rank. Lists are in order and include sub-sections. */
export interface Section {
  /** The whole section as Markdown. */
  readonly text: string
  readonly code: readonly CodeBlock[]
  readonly tables: readonly Table[]
  /** The headings one rank below. */
  readonly headings: readonly string[]
  /** Returns the section under a heading inside this one. */
  section(heading: string): Section
}

/** Reads a document of the checkout. */
export async function readDocument(path: string): Promise<Section> {
  return parseDocument(await readFile(path, 'utf8'), path)
}

/** Parses the text of a document; needs no file system. */
export function parseDocument(markdown: string, name: string): Section {
  return toSection(marked.lexer(markdown), name, 1)
}

function toSection(tokens: readonly Token[], name: string, depth: number): Section {
  const ofType = <T extends Tokens.Generic>(type: string) =>
    tokens.filter((token): token is T => token.type === type)
  const headings = ofType<Tokens.Heading>('heading')
  return {
    text: tokens.map(({ raw }) => raw).join(''),
    code: ofType<Tokens.Code>('code').map(({ lang = '', text }) => {
      const [language = '', ...notes] = lang.split(' ')
      return { language, notes: notes.join(' '), text }
    }),
    tables: ofType<Tokens.Table>('table').map(({ header, rows }) => ({
      columns: header.map(({ text }) => text),
      rows: rows.map((row) => row.map(({ text }) => text)),
    })),
    headings: headings.filter((token) => token.depth === depth + 1).map(({ text }) => text),
    section(heading) {
      const found = headings.find(({ text }) => text === heading)
      if (found === undefined) throw new Error(`${name} has no heading "${heading}"`)
      const start = tokens.indexOf(found) + 1
      const next = headings.find(
        (token) => tokens.indexOf(token) >= start && token.depth <= found.depth,
      )
      const end = next === undefined ? tokens.length : tokens.indexOf(next)
      return toSection(tokens.slice(start, end), `${name}, ${heading}`, found.depth)
    },
  }
}

/** Returns the code spans of a Markdown text, in order. */
export function readCodeSpans(markdown: string): string[] {
  return Array.from(markdown.matchAll(/`([^`]+)`/g), ([, code = '']) => code)
}
