/**
 * Runs the page: holds its one state, renders it after each change, and carries out the actions.
 */
import { render } from 'lit-html'
import { TABLES, type Snapshot } from '../protocol.ts'
import { alter, send, toRequest, type Draft } from './call.ts'
import { compareSnapshots } from './changes.ts'
import { findTarget, nameOf, readOrganizations } from './organization.ts'
import { makeProof } from './proof.ts'
import { fetchReadyMadeToken, fetchSettings, fetchSnapshot } from './server.ts'
import { explainSignIn, finishSignIn, loadSessions, signIn, signOut } from './sign-in.ts'
import { findMissingSignIn, type Actions, type Exchange, type State } from './state.ts'
import { load, save } from './storage.ts'
import { view } from './view.ts'

const REFRESH_MS = 2_000
const EMPTY = {
  ...Object.fromEntries(TABLES.map((table) => [table, []])),
  events: [],
  pendingEvents: 0,
} as unknown as Snapshot

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

const actions: Actions = {
  showOrganization: (organizationID) => update({ organizationID }),
  signIn: (subject) => void signIn(state.settings, subject).catch(showSignInProblem),
  signOut(subject) {
    signOut(subject)
    update({ sessions: loadSessions() })
  },
  editDraft: (changes) => update({ draft: { ...state.draft, ...changes } }),
  prepare(changes) {
    update({ draft: { ...state.draft, ...changes } })
    focusOn('button[name=send]')
  },
  send: () => void sendDraft(),
}

async function sendDraft(): Promise<void> {
  update({ isBusy: true, sessions: loadSessions() })
  const { draft } = state
  const target = findTarget(draft.path, readOrganizations(state.snapshot, state.settings))
  let result: { exchange: Exchange } | { problem: string }
  try {
    result = { exchange: await call(draft) }
  } catch (error) {
    result = { problem: `Not sent: ${error instanceof Error ? error.message : String(error)}` }
  }
  const isDone = 'exchange' in result && result.exchange.response.ok
  update({
    isBusy: false,
    draft: isDone ? { ...draft, path: '', idempotencyKey: '' } : draft,
    results: [{ draft, target, ...result }, ...state.results],
  })
  focusOn('#result')
}

async function call(draft: Draft): Promise<Exchange> {
  const { worker } = state.settings
  const request = toRequest(draft, worker, await makeCredentials(draft, worker))
  const before = await readDatabase()
  const began = performance.now()
  const response = await send(request)
  const durationMs = performance.now() - began
  const after = await readDatabase()
  return {
    request,
    response,
    durationMs,
    changes: before && after && compareSnapshots(before, after),
  }
}

/** The tokens of people are bound to the key of this browser, the others are bearer tokens. */
async function makeCredentials(
  { credential, method, path }: Draft,
  worker: string,
): Promise<Record<string, string>> {
  switch (credential.kind) {
    case 'none':
      return {}
    case 'expired':
    case 'service-account':
      return { Authorization: `Bearer ${await fetchReadyMadeToken(credential.kind)}` }
    case 'person':
    case 'altered':
    case 'copied': {
      const { subject } = credential
      const session = state.sessions.find((session) => session.subject === subject)
      if (session === undefined) {
        const name = nameOf(subject, state.settings)
        throw new Error(`the token of ${name} has expired. Sign in as ${name}, then send again.`)
      }
      const token = credential.kind === 'altered' ? alter(session.token) : session.token
      const Authorization = `DPoP ${token}`
      if (credential.kind === 'copied') return { Authorization }
      return { Authorization, DPoP: await makeProof(method, new URL(path, worker), token) }
    }
  }
}

/** Shows the database as it is now; undefined if it cannot be read. A call does not depend on it. */
async function readDatabase(): Promise<Snapshot | undefined> {
  try {
    const snapshot = await fetchSnapshot()
    update({ snapshot, snapshotProblem: undefined })
    return snapshot
  } catch (error) {
    update({ snapshotProblem: error instanceof Error ? error.message : String(error) })
    return undefined
  }
}

/** Others change the database, too: `curl`, another tab. */
async function refresh(): Promise<void> {
  if (!document.hidden && !state.isBusy) await readDatabase()
  setTimeout(() => void refresh(), REFRESH_MS)
}

function showSignInProblem(error: unknown): void {
  const problem = `Not signed in: ${explainSignIn(error, state.settings)}`
  update({ results: [{ draft: state.draft, target: undefined, problem }, ...state.results] })
  focusOn('#result')
}

async function start(): Promise<void> {
  const settings = await fetchSettings()
  const firstDraft: Draft = {
    credential: { kind: 'person', subject: settings.administrator },
    method: 'DELETE',
    path: '',
    idempotencyKey: '',
  }
  state = {
    settings,
    snapshot: EMPTY,
    snapshotProblem: undefined,
    sessions: loadSessions(),
    organizationID: load('organization', 'lumen'),
    draft: load('draft', firstDraft),
    isBusy: false,
    results: [],
  }
  await refresh()
  try {
    const session = await finishSignIn(settings)
    if (session === undefined) return
    const { draft } = state
    // The person who signed in makes the call, unless the draft is a variant of that person's token.
    const isMissing = findMissingSignIn(draft.credential, loadSessions()) !== undefined
    const credential = { kind: 'person', subject: session.subject } as const
    update({ sessions: loadSessions(), draft: isMissing ? { ...draft, credential } : draft })
    focusOn('button[name=send]')
  } catch (error) {
    showSignInProblem(error)
  }
}

start().catch((error: unknown) => {
  document.body.textContent = error instanceof Error ? error.message : String(error)
})
