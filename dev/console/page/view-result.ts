/**
 * The results of the calls: the latest as a sentence with its details folded away, the earlier ones in a line each.
 */
import { html } from 'lit-html'
import { keyed } from 'lit-html/directives/keyed.js'
import type { Row } from '../protocol.ts'
import { isCaller } from './call.ts'
import type { TableChange } from './changes.ts'
import { count, formatTime } from './organization.ts'
import type { Actions, Exchange, Result, State } from './state.ts'

const MAX_EARLIER = 8

/** The latest result and those before it. */
export function viewResults({ draft, results, settings }: State, actions: Actions) {
  const [latest, ...earlier] = results
  const again =
    latest?.exchange !== undefined &&
    latest.draft.path !== draft.path &&
    html`<button type="button" class="small outline" @click=${() => actions.prepare(latest.draft)}>
      Prepare the last call again
    </button>`
  return html`
    <section id="result" tabindex="-1" aria-label="Result" ?hidden=${latest === undefined}>
      ${
        latest &&
        keyed(
          latest, // a new result comes with its details folded
          html`<p role="alert" data-variant=${variantOf(latest)}>${describe(latest)}</p>
            ${latest.exchange && viewExchange(latest.exchange, settings.worker)}`,
        )
      }
      ${
        earlier.length === 0
          ? undefined
          : html`<details>
              <summary>Earlier results</summary>
              <ol>
                ${earlier.slice(0, MAX_EARLIER).map((result) => html`<li>${describe(result)}</li>`)}
              </ol>
            </details>`
      }
      ${again || undefined}
    </section>
  `
}

/** A result as one sentence. */
function describe({ exchange, problem, draft, target }: Result): string {
  if (exchange === undefined) return problem ?? ''
  const { response, changes } = exchange
  if (!response.ok) {
    const verb = response.status.startsWith('5') ? 'Failed' : 'Refused'
    return `${verb} with ${response.status}${readError(response.body)}`
  }
  if (draft.method !== 'DELETE') return `${response.status}. The call removed no person.`
  if (changes?.length === 0) {
    return 'Already removed: this call repeats an earlier one with the same idempotency key.'
  }
  if (target === undefined) return `${response.status}. The user was removed.`
  const groups = changes?.find(({ table }) => table === 'group_members')?.removed.length ?? 0
  const also = groups === 0 ? '' : ` and ${count(groups, 'group')}`
  const verb = isCaller(draft, target.subject) ? 'left' : 'was removed from'
  return `${target.name} ${verb} ${target.organization}${also}.`
}

function variantOf({ exchange }: Result): string {
  if (exchange === undefined || exchange.response.status.startsWith('5')) return 'danger'
  return exchange.response.ok ? 'success' : 'warning'
}

function readError(body: string): string {
  try {
    return `: ${(JSON.parse(body) as { error_description?: string }).error_description}.`
  } catch {
    return ', without a JSON body.'
  }
}

function viewExchange({ request, response, changes, durationMs }: Exchange, worker: string) {
  const rows = changes?.flatMap(({ removed, added }) => [...removed, ...added]).length
  const summary =
    rows === undefined
      ? 'could not be read'
      : rows === 0
        ? 'nothing changed'
        : `${count(rows, 'row')} changed`
  return html`
    <details>
      <summary>Response: ${response.status} in ${durationMs.toFixed(0)} ms</summary>
      <pre>${writeRequest(request, worker)}</pre>
      <pre>${writeResponse(response)}</pre>
    </details>
    <details>
      <summary>Database: ${summary}</summary>
      <ul>
        ${changes?.map(viewChange)}
      </ul>
    </details>
  `
}

function writeRequest({ method, url, headers }: Exchange['request'], worker: string): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `${name}: ${name === 'Idempotency-Key' ? value : shorten(value)}`,
  )
  const path = url.slice(worker.length)
  return [`${method} ${path}`, `Origin: ${location.origin}`, ...lines].join('\n')
}

/** Enough of a token or a proof to tell it from another. */
function shorten(value: string): string {
  const token = value.slice(value.indexOf(' ') + 1)
  return `${value.slice(0, 16)}…${value.slice(-6)} (${token.length} characters)`
}

function writeResponse({ status, headers, body }: Exchange['response']): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  return [status, ...lines, '', body].join('\n').trimEnd()
}

function viewChange({ table, removed, added }: TableChange) {
  return html`<li>
    <strong>${table}</strong>
    ${removed.map((row) => html`<code class="removed">− ${writeRow(row)}</code>`)}
    ${added.map((row) => html`<code class="added">+ ${writeRow(row)}</code>`)}
  </li>`
}

function writeRow(row: Row): string {
  return Object.entries(row)
    .map(([column, value]) => [column, column.endsWith('_at') ? formatTime(value) : value])
    .map(([column, value]) => `${column}=${value}`)
    .join(' ')
}
