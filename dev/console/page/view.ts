/**
 * The whole page: the organizations as the database has them, and the form for the call.
 */
import { html, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { isCaller, userPath } from './call.ts'
import {
  count,
  formatTime,
  readDeletions,
  readOrganizations,
  type Organization,
} from './organization.ts'
import type { Actions } from './main.ts'
import { findMissingSignIn, type State } from './state.ts'
import { viewCall } from './view-call.ts'

const RESET = html`To get the people of the local stack back, stop <code>npm start</code>, run
  <code>npm run reset</code>, and start it again.`

export function view(state: State, actions: Actions): TemplateResult {
  const { settings, snapshot, snapshotProblem } = state
  const organizations = readOrganizations(snapshot, settings)
  const shown = organizations.find(({ id }) => id === state.organizationID) ?? organizations[0]
  return html`
    <header class="hstack justify-between">
      <h1>Identity console</h1>
      <p>The local database, and the Worker at <code>${settings.worker}</code></p>
    </header>
    <main>
      ${viewCall(state, organizations, actions)}
      <div class="vstack">
        ${
          snapshotProblem &&
          html`<p role="alert" data-variant="warning">
            The list below may be out of date: ${snapshotProblem}
          </p>`
        }
        <nav class="hstack gap-2" aria-label="Organizations">
          ${organizations.map(
            ({ id, name, members }) =>
              html`<button
                class="outline"
                aria-pressed=${id === shown?.id}
                @click=${() => actions.showOrganization(id)}
              >
                ${name} <small>${members.length}</small>
              </button>`,
          )}
        </nav>
        ${shown && viewPeople(shown, state, actions)}
        <p class="card" ?hidden=${shown !== undefined || snapshotProblem !== undefined}>
          The database has no organization. ${RESET}
        </p>
        <div class="pair">${shown && viewGroups(shown)} ${viewDeletions(state)}</div>
        ${viewEvents(state)}
      </div>
    </main>
  `
}

function viewCard(id: string, title: string, text: unknown, rows: unknown) {
  return html`
    <section class="card" aria-labelledby=${id}>
      <h2 id=${id}>${title}</h2>
      <p>${text}</p>
      <ul class="rows">
        ${rows}
      </ul>
    </section>
  `
}

function viewPeople({ id, name, members }: Organization, state: State, actions: Actions) {
  const isSignedIn = findMissingSignIn(state) === undefined
  const isYou = (subject: string) => isSignedIn && isCaller(state.draft, subject)
  return viewCard(
    'people',
    `People of ${name}`,
    members.length === 0
      ? html`This organization has no people. ${RESET}`
      : 'Choose a person to prepare the removal, or yourself to leave. Nothing is sent yet.',
    members.map((member) => {
      const path = userPath(id, member.id)
      return html`<li>
        <button
          class="pick ghost"
          aria-pressed=${path === state.draft.path}
          @click=${() => actions.prepare({ method: 'DELETE', path, idempotencyKey: '' })}
        >
          <span>
            <strong>${member.name}</strong>
            ${isYou(member.subject) ? html`<span class="badge">you</span>` : undefined}
            ${member.remarks.map(
              (remark) => html`<span class="badge" data-variant="warning">${remark}</span>`,
            )}
            <small><code>${member.id}</code></small>
          </span>
          ${viewBadges(member.groups, 'no group')}
        </button>
      </li>`
    }),
  )
}

function viewGroups({ name, groups }: Organization) {
  return viewCard(
    'groups',
    `Groups of ${name}`,
    groups.length === 0
      ? 'No groups. Only a platform administrator can remove people from this organization.'
      : '',
    groups.map(
      ({ name, roles, members }) =>
        html`<li>
          <strong>${name}</strong> ${viewBadges(roles, 'no role')}
          <small>${members.join(', ') || 'No members'}</small>
        </li>`,
    ),
  )
}

function viewDeletions({ snapshot, settings }: State) {
  const deletions = readDeletions(snapshot, settings)
  return viewCard(
    'deletions',
    'Deletion records',
    deletions.length === 0
      ? 'None yet. Remove a person, and the deletion record appears here.'
      : '',
    deletions.map(
      (deletion) => html`
        <li>
          <strong>${deletion.name}</strong> <code>${deletion.userID}</code><br />
          ${deletion.verb} ${deletion.organization} and ${deletion.groups} ${deletion.by}
          ${viewBadges(deletion.groupNames, '')}
          <small>
            ${deletion.at}, request <code>${deletion.requestID}</code>
            ${
              deletion.idempotencyKey &&
              html`, idempotency key <code>${deletion.idempotencyKey}</code>`
            }
          </small>
        </li>
      `,
    ),
  )
}

function viewEvents({ snapshot: { events, deletion_outbox } }: State) {
  const pendingEvents = deletion_outbox.length
  const pending =
    pendingEvents === 0 ? 'No event is pending.' : `Pending: ${count(pendingEvents, 'event')}.`
  return viewCard(
    'events',
    'Deletion events',
    events.length === 0 ? `${pending} Events appear here when the queue delivers them.` : pending,
    repeat(
      events,
      (_, index) => events.length - index, // an unfolded event stays unfolded
      (event) =>
        html`<li>
          <details>
            <summary>${event.subject ?? event.id}, ${formatTime(Date.parse(event.time))}</summary>
            <pre>${JSON.stringify(event, null, 2)}</pre>
          </details>
        </li>`,
    ),
  )
}

function viewBadges(words: readonly string[], none: string) {
  return html`<span class="hstack gap-1">
    ${words.length === 0 ? html`<small>${none}</small>` : undefined}
    ${words.map((word) => html`<span class="badge outline">${word}</span>`)}
  </span>`
}
