/**
 * The result of the last call: a sentence, with the request, the response and the changed rows folded away.
 */
import { html, nothing } from 'lit-html'
import { keyed } from 'lit-html/directives/keyed.js'
import type { Row, TableChange } from '../../database.ts'
import { isCaller, type Exchange } from './call.ts'
import { count, formatTime } from './organization.ts'
import type { Actions } from './main.ts'
import type { Result, State } from './state.ts'

export function viewResult({ draft, result }: State, actions: Actions) {
  if (result === undefined) return nothing
  const { exchange, changes } = result
  return html`
    <section class="vstack" id="result" tabindex="-1" aria-label="Result">
      ${keyed(
        result, // a new result comes with its details folded
        html`<p role="alert" data-variant=${variantOf(exchange)}>${describe(result)}</p>
          ${exchange && viewExchange(exchange, changes)}`,
      )}
      ${
        exchange && result.draft.path !== draft.path
          ? html`<button
              type="button"
              class="small outline"
              @click=${() => actions.prepare(result.draft)}
            >
              Prepare the last call again
            </button>`
          : nothing
      }
    </section>
  `
}

function describe({ exchange, changes, problem, draft, target }: Result): string {
  if (exchange === undefined) return problem ?? ''
  const { ok, status, body } = exchange
  if (!ok) return `${isFailure(exchange) ? 'Failed' : 'Refused'} with ${status}${readError(body)}`
  if (draft.method !== 'DELETE') return `${status}. The call removed no person.`
  if (changes?.length === 0) {
    return 'Already removed: this call repeats an earlier one with the same idempotency key.'
  }
  if (target === undefined) return `${status}. The user was removed.`
  const groups = changes?.find(({ table }) => table === 'group_members')?.removed.length ?? 0
  const also = groups === 0 ? '' : ` and ${count(groups, 'group')}`
  const verb = isCaller(draft, target.subject) ? 'left' : 'was removed from'
  return `${target.name} ${verb} ${target.organization}${also}.`
}

const isFailure = ({ status }: Exchange) => status.startsWith('5')

function variantOf(exchange: Exchange | undefined): string {
  if (exchange === undefined || isFailure(exchange)) return 'danger'
  return exchange.ok ? 'success' : 'warning'
}

function readError(body: string): string {
  try {
    return `: ${(JSON.parse(body) as { error_description?: string }).error_description}.`
  } catch {
    return ', without a JSON body.'
  }
}

function viewExchange(exchange: Exchange, changes: Result['changes']) {
  const rows = changes?.flatMap(({ removed, added }) => [...removed, ...added]).length
  const changed = rows === 0 ? 'nothing changed' : `${count(rows ?? 0, 'row')} changed`
  return html`<div>
    <details>
      <summary>Response: ${exchange.status} in ${exchange.durationMs.toFixed(0)} ms</summary>
      <pre>${writeRequest(exchange)}</pre>
      <pre>${writeResponse(exchange)}</pre>
    </details>
    <details>
      <summary>Database: ${rows === undefined ? 'could not be read' : changed}</summary>
      <ul>
        ${changes?.map(viewChange)}
      </ul>
    </details>
  </div>`
}

function writeRequest({ method, path, headers }: Exchange): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `${name}: ${name === 'Idempotency-Key' ? value : shorten(value)}`,
  )
  return [`${method} ${path}`, `Origin: ${location.origin}`, ...lines].join('\n')
}

/** Enough of a token or a proof to tell it from another. */
function shorten(value: string): string {
  const token = value.slice(value.indexOf(' ') + 1)
  return `${value.slice(0, 16)}…${value.slice(-6)} (${token.length} characters)`
}

function writeResponse({ status, responseHeaders, body }: Exchange): string {
  const lines = responseHeaders.map(([name, value]) => `${name}: ${value}`)
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
    .map(([name, value]) => `${name}=${name.endsWith('_at') ? formatTime(value) : value}`)
    .join(' ')
}
