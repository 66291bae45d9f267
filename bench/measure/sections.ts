/** The sections of a run. Three of them are tables of kinds: the minimum, the settings, the alternatives. */
import { createClientKey, makeProof } from '../../test/support/proofs.ts'
import { measureCold } from './cold.ts'
import { measureCounts } from './counts.ts'
import { measureDistance, measureGrowth } from './growth.ts'
import type { Kinds } from './kinds.ts'
import * as requests from './requests.ts'
import { measureKinds } from './rounds.ts'
import { measureStart } from './start.ts'

const deletion = requests.deletion()
const { refusedToken } = requests
const ours = { worker: 'this project' } as const

/** Few kinds and many rounds, so that a ratio can be read to a percent. */
const WARM: Kinds = {
  nothing: { worker: 'nothing', ...requests.anyCall },
  'minimum refusal': { worker: 'minimum refusal', ...refusedToken },
  'refused token': { ...ours, ...refusedToken, atMost: { 'minimum refusal': 1.12 } },
  'refused token again': { ...ours, ...refusedToken, against: ['refused token'] },
  'barest batch': { worker: 'barest batch', ...deletion },
  'minimum deletion': { worker: 'minimum deletion', ...deletion },
  deletion: { ...ours, ...deletion, atMost: { 'minimum deletion': 1.1, 'barest batch': 1.25 } },
  'deletion again': { ...ours, ...deletion, against: ['deletion'] },
}

const key = await createClientKey()
/** All isolates get it as their host, since a proof names the origin. */
const HOST = 'identity.example'

/** A token that is bound to the key, and a proof of the key (RFC 9449) that names the method `htm`. */
const proven = (htm: string): requests.RequestOptions => ({
  token: { claims: { cnf: { jkt: key.jkt } } },
  async makeHeaders({ path, headers }) {
    const token = headers['Authorization']!.slice('Bearer '.length)
    const proof = await makeProof(key, { method: htm, url: `http://${HOST}${path}`, token })
    return { Host: HOST, Authorization: `DPoP ${token}`, DPoP: proof }
  },
})

const dpop = { ...ours, vars: { DPOP: 'accept' } }

/** Each setting beside the same Worker without it. */
const SETTINGS: Kinds = {
  'refused token': { ...ours, ...refusedToken },
  deletion: { ...ours, ...deletion },
  'events on': {
    ...ours,
    options: { queueProducers: { DELETION_EVENTS: 'deletion-events' } },
    ...deletion,
    atMost: { deletion: 1.05 },
  },
  'events, no broker': { worker: 'without queue', ...deletion, atMost: { deletion: 1.05 } },
  'DPoP deletion': {
    ...dpop,
    ...requests.deletion(1, proven('DELETE')),
    atMost: { deletion: 1.15 },
  },
  'refused proof': {
    ...dpop,
    ...requests.refusedCall(proven('POST')), // the method is checked after the signature
    atMost: { 'refused token': 1.6 },
  },
}

const against = ['deletion']
const slow = { worker: 'tutorial', every: 4, ...deletion, against } as const

/** This project by transport and outcome, against the tutorial Worker. */
const ALTERNATIVES: Kinds = {
  deletion: { ...ours, ...deletion },
  'deletion by RPC': { ...ours, through: 'rpc', ...deletion, against },
  'deletion by bound fetch': { ...ours, through: 'fetch', ...deletion, against },
  'no such user': { ...ours, ...requests.noSuchUser },
  'no permission': { ...ours, ...requests.notPermitted },
  'tutorial deletion': slow,
  'tutorial deletion, keys given': { ...slow, vars: { KEYS: 'given' } },
}

const size = (warmUp: number, rounds: number, cpuBlocks: number) => ({ warmUp, rounds, cpuBlocks })

export const SECTIONS = {
  warm: (quick: boolean) =>
    measureKinds(WARM, quick ? size(72, 192, 1) : size(1_920, 5_760, 24), [
      ['refused token', 'minimum refusal'],
      ['deletion', 'minimum deletion'],
    ]),
  settings: (quick: boolean) =>
    measureKinds(SETTINGS, quick ? size(36, 48, 1) : size(1_440, 2_880, 12)),
  cold: measureCold,
  start: measureStart,
  counts: measureCounts,
  alternatives: (quick: boolean) =>
    measureKinds(ALTERNATIVES, quick ? size(36, 72, 1) : size(960, 2_880, 18)),
  growth: measureGrowth,
  distance: measureDistance,
} as const

export type SectionName = keyof typeof SECTIONS

/** What a run measured. */
export type Sections = {
  readonly [Name in SectionName]: Awaited<ReturnType<(typeof SECTIONS)[Name]>>
}
