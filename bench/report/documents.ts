/** The documents that show results: written from them, and compared with them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Advice } from '../rig/advice.ts'
import { PROJECT } from '../rig/paths.ts'
import { makeParts } from './parts.ts'
import { fillDocument } from './markdown.ts'
import { readResults } from './results.ts'
import { makeScalingParts, readScaling } from '../scaling/report.ts'

/** Each file beside the text that it should have. */
function makeDocuments(): Map<string, string> {
  const results = readResults()
  const scaling = readScaling()
  if (results === undefined || scaling === undefined) {
    throw new Advice('bench/results has no full run to show. Make one: npm run bench')
  }
  const parts = { ...makeParts(results), ...makeScalingParts(scaling) }
  const documents = new Map<string, string>()
  for (const name of ['performance.md', 'scaling.md']) {
    const path = join(PROJECT, 'docs', name)
    documents.set(path, fillDocument(readFileSync(path, 'utf8'), parts))
  }
  return documents
}

/** Puts the kept results into the documents. */
export function writeDocuments(): void {
  for (const [path, text] of makeDocuments()) writeFileSync(path, text)
}

/** The documents that say something else than the kept results. */
export function findDriftedDocuments(): string[] {
  return [...makeDocuments()]
    .filter(([path, text]) => readFileSync(path, 'utf8') !== text)
    .map(([path]) => path.slice(PROJECT.length))
}
