/**
 * The call: a form that says what will be sent, and below it what was sent, what came back and what changed.
 */
import { html, nothing } from 'lit-html'
import { METHODS, readUserPath, type Credential } from './call.ts'
import { nameOf, readOrganizations } from './organization.ts'
import { listRefusals } from './refusals.ts'
import {
  describeCredential,
  isSameCredential,
  keyOf,
  whoMustSignIn,
  type Actions,
  type State,
} from './state.ts'
import { viewResults } from './view-result.ts'

/** The right-hand side of the page. */
export function viewCall(state: State, actions: Actions) {
  return html`
    <div class="call">
      <section aria-labelledby="call">
        <h2 id="call">Call the Worker</h2>
        ${viewForm(state, actions)}
      </section>
      ${viewResults(state)} ${viewRefusals(state, actions)}
    </div>
  `
}

function viewForm(state: State, actions: Actions) {
  const { settings, draft, isBusy, sessions } = state
  const missing = whoMustSignIn(draft.credential, sessions)
  const credentials = listCredentials(state)
  return html`
    <form
      @submit=${(event: Event) => {
        event.preventDefault()
        if (missing === undefined) actions.send()
        else actions.signIn(missing)
      }}
    >
      <div class="line">
        <label class="wide">
          Token of
          <select
            name="credential"
            @change=${(event: Event) => {
              const key = (event.target as HTMLSelectElement).value
              const credential = credentials.find((candidate) => keyOf(candidate) === key)
              if (credential) actions.editDraft({ credential })
            }}
          >
            ${credentials.map(
              (credential) =>
                html`<option
                  value=${keyOf(credential)}
                  .selected=${isSameCredential(credential, draft.credential)}
                >
                  ${describeCredential(credential, settings)}
                </option>`,
            )}
          </select>
        </label>
        <label>
          Method
          <select
            name="method"
            @change=${(event: Event) =>
              actions.editDraft({ method: (event.target as HTMLSelectElement).value })}
          >
            ${METHODS.map(
              (method) => html`<option .selected=${method === draft.method}>${method}</option>`,
            )}
          </select>
        </label>
      </div>
      <label>
        Path
        <input
          name="path"
          required
          pattern="/.*"
          title="It begins with a slash"
          spellcheck="false"
          autocapitalize="off"
          autocomplete="off"
          .value=${draft.path}
          @input=${(event: Event) =>
            actions.editDraft({ path: (event.target as HTMLInputElement).value })}
        />
      </label>
      <label>
        <span><code>Idempotency-Key</code>, if the call may have to be repeated</span>
        <span class="line">
          <input
            name="key"
            spellcheck="false"
            autocapitalize="off"
            autocomplete="off"
            .value=${draft.idempotencyKey}
            @input=${(event: Event) =>
              actions.editDraft({ idempotencyKey: (event.target as HTMLInputElement).value })}
          />
          <button
            type="button"
            @click=${() => actions.editDraft({ idempotencyKey: crypto.randomUUID() })}
          >
            Make one
          </button>
        </span>
      </label>
      <p class="meaning">${explainDraft(state)}</p>
      <button class="primary" name="send" ?disabled=${isBusy}>
        ${
          missing === undefined
            ? `Send ${draft.method}`
            : `Sign in as ${nameOf(missing, settings)} first`
        }
      </button>
    </form>
  `
}

/** Those of whom there is a token, and the one that the draft asks for. */
function listCredentials({ sessions, draft }: State): readonly Credential[] {
  const people = sessions.map(({ subject }) => subject)
  const chosen = draft.credential
  if ('subject' in chosen && !people.includes(chosen.subject)) people.push(chosen.subject)
  return [
    ...people.map((subject) => ({ kind: 'person', subject }) as const),
    { kind: 'service-account' },
    { kind: 'none' },
    { kind: 'expired' },
    ...people.map((subject) => ({ kind: 'altered', subject }) as const),
  ]
}

/** What the call would do, were it allowed. */
function explainDraft({ snapshot, settings, draft }: State) {
  const ids = readUserPath(draft.path)
  const organization = readOrganizations(snapshot, settings).find(
    ({ id }) => id === ids?.organizationID,
  )
  const member = organization?.members.find(({ id }) => id === ids?.userID)
  if (member === undefined) return html`There is nobody at this path: nobody will be removed.`
  if (draft.method !== 'DELETE') return html`Only DELETE removes anybody.`
  const { length } = member.groups
  return html`Removes <strong>${member.name}</strong> from ${organization?.name} and from
    ${length === 0 ? 'no group' : length === 1 ? '1 group' : `${length} groups`}, if the token
    allows it.`
}

function viewRefusals(state: State, actions: Actions) {
  const { settings, sessions, draft } = state
  return html`
    <section aria-labelledby="refusals">
      <h2 id="refusals">Refusals to try</h2>
      <ul class="refusals">
        ${listRefusals(settings).map((refusal) => {
          const missing = whoMustSignIn(refusal.draft.credential, sessions)
          const isChosen =
            refusal.draft.path === draft.path &&
            refusal.draft.method === draft.method &&
            isSameCredential(refusal.draft.credential, draft.credential)
          return html`<li>
            <button aria-pressed=${isChosen} @click=${() => actions.prepare(refusal.draft)}>
              <span class="status refused">${refusal.status}</span>
              <span>
                ${refusal.title}
                ${
                  missing === undefined
                    ? nothing
                    : html`<small>needs ${nameOf(missing, settings)} to sign in</small>`
                }
              </span>
            </button>
          </li>`
        })}
      </ul>
    </section>
  `
}
