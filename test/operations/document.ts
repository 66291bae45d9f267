/**
 * The project's documents as tests read them: by section, with the tables and the code blocks in it.
 */
import { readFile } from 'node:fs/promises'
import { marked, type Token, type Tokens } from 'marked'

/** A fenced code block. */
export interface CodeBlock {
  /** The first word after the fence. */
  readonly language: string
  /** The words after it, with which a document says what a test does with the block. */
  readonly notes: string
  readonly text: string
}

/** A table, each cell as Markdown. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A heading with all that follows up to the next one of its rank. */
export interface Section {
  /** All of it as Markdown. */
  readonly text: string
  /** The code blocks in order, sub-sections too. */
  readonly code: readonly CodeBlock[]
  /** The tables in order, sub-sections too. */
  readonly tables: readonly Table[]
  /** The items of all lists, each as Markdown. */
  readonly items: readonly string[]
  /** The headings one rank below, in order. */
  readonly headings: readonly string[]
  /** The section under a heading inside this one. */
  section(heading: string): Section
}

/** Reads a document of the checkout. */
export async function readDocument(path: string): Promise<Section> {
  return parseDocument(await readFile(path, 'utf8'), path)
}

/** Reads a document's text, also where there is no file system. */
export function parseDocument(markdown: string, name: string): Section {
  return toSection(marked.lexer(markdown), name, 1)
}

function toSection(tokens: readonly Token[], name: string, depth: number): Section {
  const headings = tokens.filter(isHeading).filter((heading) => heading.depth === depth + 1)
  return {
    text: tokens.map(({ raw }) => raw).join(''),
    code: tokens
      .filter((token): token is Tokens.Code => token.type === 'code')
      .map(({ lang = '', text }) => {
        const [language = '', ...notes] = lang.split(' ')
        return { language, notes: notes.join(' '), text }
      }),
    tables: tokens
      .filter((token): token is Tokens.Table => token.type === 'table')
      .map(({ header, rows }) => ({
        columns: header.map(({ text }) => text),
        rows: rows.map((row) => row.map(({ text }) => text)),
      })),
    items: tokens
      .filter((token): token is Tokens.List => token.type === 'list')
      .flatMap(({ items }) => items.map(({ text }) => text)),
    headings: headings.map(({ text }) => text),
    section(heading) {
      const start = tokens.findIndex((token) => isHeading(token) && token.text === heading)
      const rank = (tokens[start] as Tokens.Heading | undefined)?.depth
      if (rank === undefined) throw new Error(`${name} has no heading "${heading}"`)
      const after = tokens.slice(start + 1)
      const end = after.findIndex((token) => isHeading(token) && token.depth <= rank)
      return toSection(end < 0 ? after : after.slice(0, end), `${name}, ${heading}`, rank)
    },
  }
}

function isHeading(token: Token): token is Tokens.Heading {
  return token.type === 'heading'
}

/** What stands between the backticks of a cell or an item, in order. */
export function readCodeSpans(markdown: string): string[] {
  return Array.from(markdown.matchAll(/`([^`]+)`/g), ([, code = '']) => code)
}
