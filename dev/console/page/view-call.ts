/**
 * The form: the caller, the person to remove, and one button. The result follows below the button.
 */
import { html, nothing } from 'lit-html'
import { isCaller, METHODS, type Credential } from './call.ts'
import { count, findTarget, nameOf, type Organization, type Target } from './organization.ts'
import { listRefusals } from './refusals.ts'
import type { Actions } from './main.ts'
import { describeCredential, findMissingSignIn, type State } from './state.ts'
import { viewResult } from './view-result.ts'

export function viewCall(state: State, organizations: readonly Organization[], actions: Actions) {
  const missing = findMissingSignIn(state)
  const target = findTarget(state.draft.path, organizations)
  const submit = (event: Event) => {
    event.preventDefault()
    if (missing === undefined) actions.send()
    else actions.signIn(missing)
  }
  return html`
    <form class="card vstack" id="call" aria-labelledby="call-title" @submit=${submit}>
      <h2 id="call-title">Remove a person</h2>
      ${viewCaller(state, actions)}
      <p>${describeDraft(state, target)}</p>
      ${
        missing === undefined
          ? viewSend(state, target)
          : html`<button name="send">Sign in as ${nameOf(missing, state.settings)}</button>`
      }
      ${viewResult(state, actions)}
      <div>${viewRequest(state, actions)} ${viewRefusals(state, actions)}</div>
    </form>
  `
}

function describeDraft(state: State, target: Target | undefined) {
  const { draft } = state
  if (draft.path === '') {
    const start = findMissingSignIn(state) === undefined ? 'Choose' : 'Sign in, then choose'
    return `${start} a person in the list.`
  }
  if (draft.method !== 'DELETE') return 'Only DELETE removes a person.'
  if (target === undefined) {
    return 'The path is not that of a person in the lists.'
  }
  const name = html`<strong>${target.name}</strong>`
  const rows = `${target.organization} and ${count(target.groups, 'group')}`
  return isCaller(draft, target.subject)
    ? html`${name} leaves ${rows}, which needs no permission.`
    : html`Removes ${name} from ${rows}, if the caller has permission.`
}

function viewSend({ draft, isBusy }: State, target: Target | undefined) {
  const { method, path } = draft
  const isRemoval = method === 'DELETE'
  const label = () => {
    if (isRemoval && path === '') return 'Remove'
    if (!isRemoval || target === undefined) return `Send ${method}`
    const isLeaving = isCaller(draft, target.subject)
    return isLeaving ? `Leave ${target.organization}` : `Remove ${target.name}`
  }
  return html`<button
    name="send"
    class=${path === '' ? 'outline' : nothing}
    data-variant=${path !== '' && isRemoval ? 'danger' : nothing}
    aria-busy=${isBusy}
    ?disabled=${isBusy || !path.startsWith('/')}
  >
    ${label()}
  </button>`
}

const as = (subject: string) => ({ kind: 'person', subject }) as const

function viewCaller({ draft, sessions, settings }: State, actions: Actions) {
  const signedIn = sessions.map(({ subject }) => subject)
  const others = settings.people.map(({ subject }) => subject).filter((s) => !signedIn.includes(s))
  const plain = (['service-account', 'none', 'expired'] as const).map((kind) => ({ kind }))
  const subject = settings.administrator
  const changed = (['altered', 'copied'] as const).map((kind) => ({ kind, subject }))
  const chosen = JSON.stringify(draft.credential)
  const session = signedIn.find((subject) => isCaller(draft, subject))
  const viewList = (label: string, credentials: readonly Credential[]) =>
    html`<optgroup label=${label} ?hidden=${credentials.length === 0}>
      ${credentials.map((credential) => {
        const value = JSON.stringify(credential)
        return html`<option value=${value} .selected=${value === chosen}>
          ${describeCredential(credential, settings)}
        </option>`
      })}
    </optgroup>`
  const choose = ({ target }: Event) => {
    const credential = JSON.parse((target as HTMLSelectElement).value) as Credential
    actions.editDraft({ credential })
  }
  return html`
    <div class="line">
      <label>
        Caller
        <select @change=${choose}>
          ${viewList('Signed in', signedIn.map(as))} ${viewList('Sign in first', others.map(as))}
          ${viewList('Other tokens', [...plain, ...changed])}
        </select>
      </label>
      ${
        session &&
        html`<button
          type="button"
          class="outline"
          aria-label="Sign out ${nameOf(session, settings)}"
          @click=${() => actions.signOut(session)}
        >
          Sign out
        </button>`
      }
    </div>
  `
}

/** The parts of the request, folded away: a usual removal needs no change here. */
function viewRequest({ draft }: State, actions: Actions) {
  const edit = ({ target }: Event) => {
    const { name, value } = target as HTMLInputElement
    actions.editDraft({ [name]: value })
  }
  const input = (name: 'path' | 'idempotencyKey') =>
    html`<input name=${name} spellcheck="false" autocomplete="off" .value=${draft[name]} />`
  const makeKey = () => actions.editDraft({ idempotencyKey: crypto.randomUUID() })
  return html`
    <details name="more" @input=${edit}>
      <summary>
        <span>Request: <code>${draft.method} ${draft.path}</code></span>
      </summary>
      <label>
        Method
        <select name="method">
          ${METHODS.map(
            (method) => html`<option .selected=${method === draft.method}>${method}</option>`,
          )}
        </select>
      </label>
      <label>Path, which begins with a slash ${input('path')}</label>
      <div class="line">
        <label>Idempotency key (optional) ${input('idempotencyKey')}</label>
        <button type="button" class="outline" @click=${makeKey}>Make one</button>
      </div>
    </details>
  `
}

function viewRefusals({ draft, sessions, settings }: State, actions: Actions) {
  return html`
    <details name="more">
      <summary>Try a refusal</summary>
      <ul class="rows">
        ${listRefusals(settings).map(({ status, title, draft: prepared }) => {
          const missing = findMissingSignIn({ draft: prepared, sessions })
          return html`<li>
            <button
              type="button"
              class="pick ghost"
              aria-pressed=${JSON.stringify(prepared) === JSON.stringify(draft)}
              @click=${() => actions.prepare(prepared)}
            >
              <span>
                ${title}
                ${missing && html`<small>as ${nameOf(missing, settings)}, who must sign in</small>`}
              </span>
              <span class="badge" data-variant="warning">${status}</span>
            </button>
          </li>`
        })}
      </ul>
    </details>
  `
}
