/**
 * The page as a whole: who is signed in, the organizations as the database has them, and beside them the call.
 */
import { html, nothing, type TemplateResult } from 'lit-html'
import { userPath } from './call.ts'
import { nameOf, readDeletions, readOrganizations, type Organization } from './organization.ts'
import type { Actions, State } from './state.ts'
import { viewCall } from './view-call.ts'

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' })

/** The page for a state. */
export function view(state: State, actions: Actions): TemplateResult {
  const organizations = readOrganizations(state.snapshot, state.settings)
  const shown = organizations.find(({ id }) => id === state.organizationID) ?? organizations[0]
  return html`
    ${viewHeader(state, actions)}
    <main>
      <div class="data">
        ${viewOrganizations(organizations, shown, actions)}
        ${shown === undefined ? nothing : viewPeople(shown, state, actions)}
        ${shown === undefined ? nothing : viewGroups(shown)} ${viewDeletions(state)}
      </div>
      ${viewCall(state, actions)}
    </main>
  `
}

function viewHeader({ settings, sessions, notice }: State, actions: Actions) {
  return html`
    <header>
      <h1>Identity console</h1>
      <p>The local database as it is, and the Worker at <code>${settings.worker}</code></p>
      <div class="sessions">
        ${sessions.map(({ subject }) => {
          const name = nameOf(subject, settings)
          return html`<span class="session"
            >${name}
            <button
              class="quiet"
              aria-label="Sign out ${name}"
              @click=${() => actions.signOut(subject)}
            >
              Sign out
            </button></span
          >`
        })}
        <button @click=${() => actions.signIn()}>
          ${sessions.length === 0 ? 'Sign in' : 'Sign in as someone else'}
        </button>
      </div>
      <p class="notice" role="status" ?hidden=${notice === undefined}>
        ${notice} <button class="quiet" @click=${() => actions.dismissNotice()}>Dismiss</button>
      </p>
    </header>
  `
}

function viewOrganizations(
  organizations: readonly Organization[],
  shown: Organization | undefined,
  actions: Actions,
) {
  return html`
    <nav aria-label="Organizations">
      ${organizations.map(
        ({ id, name, members }) =>
          html`<button
            aria-pressed=${id === shown?.id}
            @click=${() => actions.showOrganization(id)}
          >
            ${name} <span class="count">${members.length}</span>
          </button>`,
      )}
    </nav>
  `
}

function viewPeople({ id, name, members }: Organization, { draft }: State, actions: Actions) {
  return html`
    <section aria-labelledby="people">
      <h2 id="people">People of ${name}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Person</th>
            <th scope="col">Groups</th>
            <th scope="col"><span class="hidden">Removal</span></th>
          </tr>
        </thead>
        <tbody>
          ${members.map((member) => {
            const path = userPath(id, member.id)
            return html`<tr aria-selected=${path === draft.path}>
              <th scope="row">
                ${member.name} <small><code>${member.id}</code></small>
                ${member.remarks.map((remark) => html`<small class="remark">${remark}</small>`)}
              </th>
              <td>${viewTags(member.groups, 'none')}</td>
              <td>
                <button
                  aria-label="Remove ${member.name} …"
                  @click=${() =>
                    actions.prepare({ ...draft, method: 'DELETE', path, idempotencyKey: '' })}
                >
                  Remove …
                </button>
              </td>
            </tr>`
          })}
        </tbody>
      </table>
    </section>
  `
}

function viewGroups({ name, groups }: Organization) {
  return html`
    <section aria-labelledby="groups">
      <h2 id="groups">Groups of ${name}</h2>
      <dl class="groups">
        ${groups.map(
          (group) => html`
            <div>
              <dt>${group.name} ${viewTags(group.roles, 'no role')}</dt>
              <dd>${group.members.length === 0 ? 'Nobody' : group.members.join(', ')}</dd>
            </div>
          `,
        )}
      </dl>
    </section>
  `
}

function viewDeletions({ snapshot, settings }: State) {
  const deletions = readDeletions(snapshot, settings)
  return html`
    <section aria-labelledby="deletions">
      <h2 id="deletions">Deletion records</h2>
      ${deletions.length === 0 ? html`<p>None yet.</p>` : nothing}
      <ol class="deletions">
        ${deletions.map(
          (deletion) => html`
            <li>
              <time datetime=${deletion.at.toISOString()}>${TIME.format(deletion.at)}</time>
              <span>
                <strong><code>${deletion.userID}</code></strong> of ${deletion.organization}, by
                ${deletion.actor}, ${countGroups(deletion.groupsRemoved)}
                <small>
                  request <code>${deletion.requestID}</code>${
                    deletion.idempotencyKey === null
                      ? nothing
                      : html`, key <code>${deletion.idempotencyKey}</code>`
                  }
                </small>
              </span>
            </li>
          `,
        )}
      </ol>
    </section>
  `
}

function viewTags(words: readonly string[], none: string) {
  if (words.length === 0) return html`<span class="none">${none}</span>`
  return html`<span class="tags">${words.map((word) => html`<span>${word}</span>`)}</span>`
}

function countGroups(count: number): string {
  return count === 1 ? '1 group' : `${count} groups`
}
