/**
 * Runs the page: holds the one state, draws it anew whenever it changes, and carries out what a person asks for.
 */
import { render } from 'lit-html'
import type { Settings, Snapshot } from '../protocol.ts'
import { alter, send, toRequest, userPath, type Answer, type Draft } from './call.ts'
import { compareSnapshots } from './changes.ts'
import { fetchReadyMadeToken, fetchSettings, fetchSnapshot } from './server.ts'
import { explainSignIn, finishSignIn, loadSessions, signIn, signOut } from './sign-in.ts'
import { describeCredential, whoMustSignIn, type Actions, type State } from './state.ts'
import { load, save } from './storage.ts'
import { view } from './view.ts'

const REFRESH_MS = 2_000

const FIRST_DRAFT: Draft = {
  credential: { kind: 'none' },
  method: 'DELETE',
  path: userPath('lumen', 'lumen-dara'),
  idempotencyKey: '',
}

let state: State

function update(changes: Partial<State>): void {
  state = { ...state, ...changes }
  save('draft', state.draft)
  save('organization', state.organizationID)
  render(view(state, actions), document.body)
}

function focusOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus()
}

/** Runs what may fail; the person gets to see how. */
function attempt(work: () => Promise<void>): void {
  work().catch((error: unknown) => update({ notice: explainSignIn(error), isBusy: false }))
}

const actions: Actions = {
  showOrganization: (organizationID) => update({ organizationID }),
  signIn: (hint) => attempt(() => signIn(state.settings, hint)),
  signOut(subject) {
    signOut(subject)
    update({ sessions: loadSessions() })
  },
  editDraft: (changes) => update({ draft: { ...state.draft, ...changes } }),
  prepare(draft) {
    update({ draft })
    focusOn('button[name=send]')
  },
  send: () => attempt(sendDraft),
  dismissNotice: () => update({ notice: undefined }),
}

async function sendDraft(): Promise<void> {
  const { draft, settings } = state
  update({ isBusy: true, sessions: loadSessions() })
  if (whoMustSignIn(draft.credential, state.sessions) !== undefined) {
    update({ isBusy: false, notice: 'That token has expired. Sign in again.' })
    return
  }
  const request = toRequest(draft, settings.worker, await findToken(draft))
  const before = await fetchSnapshot()
  const began = performance.now()
  const answer = await sendOrUndefined(request)
  const durationMs = performance.now() - began
  const snapshot = await fetchSnapshot()
  const who = describeCredential(draft.credential, settings)
  const changes = compareSnapshots(before, snapshot)
  const result = { at: new Date(), durationMs, who, request, answer, changes }
  update({ isBusy: false, snapshot, results: [result, ...state.results] })
  focusOn('#result')
}

/** The browser tells a page no more than that there is nothing to read. */
async function sendOrUndefined(request: Parameters<typeof send>[0]): Promise<Answer | undefined> {
  try {
    return await send(request)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

async function findToken({ credential }: Draft): Promise<string | undefined> {
  switch (credential.kind) {
    case 'none':
      return undefined
    case 'expired':
    case 'service-account':
      return fetchReadyMadeToken(credential.kind)
    case 'person':
    case 'altered': {
      const { subject } = credential
      const token = state.sessions.find((session) => session.subject === subject)?.token ?? ''
      return credential.kind === 'altered' ? alter(token) : token
    }
  }
}

/** Others change the database, too: `curl`, another tab. */
async function refresh(): Promise<void> {
  if (document.hidden || state.isBusy) return
  const snapshot = await fetchSnapshot()
  if (JSON.stringify(snapshot) !== JSON.stringify(state.snapshot)) update({ snapshot })
}

async function start(): Promise<void> {
  const settings: Settings = await fetchSettings()
  const snapshot: Snapshot = await fetchSnapshot()
  state = {
    settings,
    snapshot,
    sessions: loadSessions(),
    organizationID: load('organization', 'lumen'),
    draft: load('draft', FIRST_DRAFT),
    isBusy: false,
    results: [],
    notice: undefined,
  }
  document.body.replaceChildren()
  update({})
  setInterval(() => attempt(refresh), REFRESH_MS)
  attempt(async () => {
    const session = await finishSignIn(settings)
    if (session === undefined) return
    const { draft } = state
    // Who has just signed in means to call, unless the draft waited for somebody in particular.
    const waits = 'subject' in draft.credential && draft.credential.subject === session.subject
    const credential = { kind: 'person', subject: session.subject } as const
    update({ sessions: loadSessions(), draft: waits ? draft : { ...draft, credential } })
    if (waits) focusOn('button[name=send]')
  })
}

start().catch((error: unknown) => {
  document.body.textContent = error instanceof Error ? error.message : String(error)
})
