/**
 * Runs the page: holds its state, renders the state after each change, and carries out the actions.
 */
import { render } from 'lit-html'
import { compareTables, NO_ROWS } from '../../database.ts'
import type { Snapshot } from '../protocol.ts'
import { alter, send, type Draft } from './call.ts'
import { findTarget, nameOf, readOrganizations } from './organization.ts'
import { makeProof } from './proof.ts'
import { fetchSettings, fetchSnapshot, fetchToken } from './server.ts'
import {
  explainSignIn,
  finishSignIn,
  load,
  loadSessions,
  save,
  signIn,
  signOut,
} from './sign-in.ts'
import { findMissingSignIn, type Result, type State } from './state.ts'
import { view } from './view.ts'

const REFRESH_MS = 2_000
const FIRST_DRAFT = { method: 'DELETE', path: '', idempotencyKey: '' }

let state: State

function update(changes: Partial<State>): void {
  state = { ...state, ...changes }
  save('draft', state.draft)
  save('organization', state.organizationID)
  render(view(state, actions), document.body)
}

/** Brings the form into view and moves the focus to one of its parts. */
function focusOn(selector: string): void {
  document.querySelector('#call-title')?.scrollIntoView({ block: 'nearest' })
  document.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true })
}

export type Actions = typeof actions

const actions = {
  showOrganization: (organizationID: string) => update({ organizationID }),
  signIn: (subject: string) => void signIn(state.settings, subject).catch(showSignInProblem),
  signOut(subject: string) {
    signOut(subject)
    update({ sessions: loadSessions() })
  },
  editDraft: (changes: Partial<Draft>) => update({ draft: { ...state.draft, ...changes } }),
  /** Puts a call into the form and moves the focus there; the person sends it. */
  prepare(changes: Partial<Draft>) {
    actions.editDraft(changes)
    focusOn('button[name=send]')
  },
  send: () => void sendDraft(),
}

async function sendDraft(): Promise<void> {
  update({ isBusy: true, sessions: loadSessions() })
  const { draft } = state
  const target = findTarget(draft.path, readOrganizations(state.snapshot, state.settings))
  const result = await call(draft).catch((error: unknown) => ({
    problem: `Not sent: ${messageOf(error)}`,
  }))
  const isDone = 'exchange' in result && result.exchange.ok
  update({
    isBusy: false,
    draft: isDone ? { ...draft, path: '', idempotencyKey: '' } : draft,
    result: { draft, target, ...result },
  })
  focusOn('#result')
}

async function call(draft: Draft) {
  const credentials = await makeCredentials(draft)
  const before = await readDatabase()
  const exchange = await send(state.settings.worker, draft, credentials)
  const after = await readDatabase()
  return { exchange, changes: before && after && compareTables(before, after) }
}

/** The tokens of people are bound to the key of this browser; the others are bearer tokens. */
async function makeCredentials({ credential, method, path }: Draft) {
  const { settings, sessions } = state
  switch (credential.kind) {
    case 'none':
      return {}
    case 'expired':
    case 'service-account':
      return { Authorization: `Bearer ${(await fetchToken(credential.kind)).token}` }
    case 'person':
    case 'altered':
    case 'copied': {
      const session = sessions.find(({ subject }) => subject === credential.subject)
      if (session === undefined) {
        const name = nameOf(credential.subject, settings)
        throw new Error(`the token of ${name} has expired. Sign in as ${name}, then send again.`)
      }
      const token = credential.kind === 'altered' ? alter(session.token) : session.token
      const Authorization = `DPoP ${token}`
      if (credential.kind === 'copied') return { Authorization }
      const url = new URL(path, settings.worker)
      return { Authorization, DPoP: await makeProof(method, url, token) }
    }
  }
}

/** Reads and shows the database; undefined if it cannot be read. A call does not depend on it. */
async function readDatabase(): Promise<Snapshot | undefined> {
  try {
    const snapshot = await fetchSnapshot()
    update({ snapshot, snapshotProblem: undefined })
    return snapshot
  } catch (error) {
    update({ snapshotProblem: messageOf(error) })
    return undefined
  }
}

/** Shows changes by other programs, such as `curl` or another tab. */
async function refresh(): Promise<void> {
  if (!document.hidden && !state.isBusy) await readDatabase()
  setTimeout(() => void refresh(), REFRESH_MS)
}

function showSignInProblem(error: unknown): void {
  const problem = `Not signed in: ${explainSignIn(error, state.settings)}`
  const result: Result = { draft: state.draft, target: undefined, problem }
  update({ result })
  focusOn('#result')
}

const person = (subject: string) => ({ kind: 'person', subject }) as const
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

async function start(): Promise<void> {
  const settings = await fetchSettings()
  state = {
    settings,
    snapshot: { ...NO_ROWS, events: [] },
    snapshotProblem: undefined,
    sessions: loadSessions(),
    organizationID: load('organization', 'lumen'),
    draft: load('draft', { ...FIRST_DRAFT, credential: person(settings.administrator) }),
    isBusy: false,
    result: undefined,
  }
  await refresh()
  try {
    const subject = await finishSignIn(settings)
    if (subject === undefined) return
    update({ sessions: loadSessions() })
    // The person who signed in makes the call, unless the draft is a variant of that person's token.
    if (findMissingSignIn(state) !== undefined) actions.editDraft({ credential: person(subject) })
    focusOn('button[name=send]')
  } catch (error) {
    showSignInProblem(error)
  }
}

start().catch((error: unknown) => {
  document.body.textContent = messageOf(error)
})
