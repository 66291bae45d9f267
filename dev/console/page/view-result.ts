/**
 * What came of the calls: the latest in full, the ones before it in a line each.
 */
import { html, nothing } from 'lit-html'
import type { Row } from '../protocol.ts'
import type { TableChange } from './changes.ts'
import type { Result, State } from './state.ts'

const MAX_EARLIER = 8
const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  500: 'Internal Server Error',
}

/** The latest call and those before it; empty where there is none. */
export function viewResults({ results, settings }: State) {
  const [latest, ...earlier] = results
  return html`
    <section class="result" id="result" tabindex="-1" aria-label="What came of it">
      ${latest === undefined ? nothing : viewLatest(latest, settings.worker)}
      ${earlier.length === 0 ? nothing : viewEarlier(earlier.slice(0, MAX_EARLIER))}
    </section>
  `
}

function viewLatest({ request, answer, changes, who, durationMs }: Result, worker: string) {
  return html`
    <h2>
      ${viewStatus(answer?.status)}
      ${answer === undefined ? 'No answer' : (STATUS_TEXT[answer.status] ?? '')}
      <small>${durationMs.toFixed(0)} ms</small>
    </h2>
    <h3>Request, with the token of ${who}</h3>
    <pre>${writeRequest(request, worker)}</pre>
    <h3>Answer</h3>
    ${
      answer === undefined
        ? html`<p>
            The browser shows this page no answer. Either the Worker cannot be reached, or it does
            not let pages of <code>${location.origin}</code> read its answers: its
            <code>CORS_ORIGINS</code> has to name that origin, and a preflight needs a path that
            exists.
          </p>`
        : html`<pre>${writeAnswer(answer)}</pre>`
    }
    <h3>What changed</h3>
    ${
      changes.length === 0
        ? html`<p>Nothing in the database.</p>`
        : html`<ul class="changes">
            ${changes.map(viewChange)}
          </ul>`
    }
  `
}

function writeRequest({ method, url, headers }: Result['request'], worker: string): string {
  const lines = Object.entries(headers).map(([name, value]) =>
    name === 'Authorization' ? `${name}: ${shorten(value)}` : `${name}: ${value}`,
  )
  return [
    `${method} ${url.slice(worker.length)}`,
    `Host: ${new URL(worker).host}`,
    `Origin: ${location.origin}`,
    ...lines,
  ].join('\n')
}

/** Enough of a token to tell it from another; the rest would fill the page. */
function shorten(value: string): string {
  return `${value.slice(0, 16)}…${value.slice(-6)} (${value.length - 'Bearer '.length} characters)`
}

function writeAnswer({ status, headers, body }: NonNullable<Result['answer']>): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  return [
    `${status} ${STATUS_TEXT[status] ?? ''}`,
    ...lines,
    ...(body === '' ? [] : ['', body]),
  ].join('\n')
}

function viewChange({ table, removed, added }: TableChange) {
  return html`<li>
    <code>${table}</code>
    ${
      removed.length === 0
        ? nothing
        : html`<span class="removed">${count(removed.length)} gone</span>`
    }
    ${added.length === 0 ? nothing : html`<span class="added">${count(added.length)} new</span>`}
    <ul>
      ${removed.map((row) => html`<li class="removed">− ${writeRow(row)}</li>`)}
      ${added.map((row) => html`<li class="added">+ ${writeRow(row)}</li>`)}
    </ul>
  </li>`
}

function writeRow(row: Row): string {
  return Object.entries(row)
    .map(([column, value]) => `${column}=${value}`)
    .join(' ')
}

function viewEarlier(results: readonly Result[]) {
  return html`
    <h3>Before</h3>
    <ol class="earlier">
      ${results.map(
        ({ answer, request, who }) =>
          html`<li>
            ${viewStatus(answer?.status)}
            <span><code>${request.method} ${new URL(request.url).pathname}</code> ${who}</span>
          </li>`,
      )}
    </ol>
  `
}

function viewStatus(status: number | undefined) {
  const kind = status === undefined || status >= 400 ? 'refused' : 'done'
  return html`<span class="status ${kind}">${status ?? '—'}</span>`
}

function count(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`
}
