/**
 * One prepared call for each kind of refusal, on the people of the seed data. Preparing sends nothing.
 */
import type { Settings } from '../protocol.ts'
import { userPath, type Credential, type Draft } from './call.ts'

const LAST_ADMINISTRATOR = 'The last administrator'

const person = (subject: string): Credential => ({ kind: 'person', subject })

/** A call that the Worker refuses. */
export interface Refusal {
  readonly status: number
  readonly title: string
  readonly draft: Draft
}

/** The refusals that can be tried. */
export function listRefusals(settings: Settings): readonly Refusal[] {
  const emil = userPath('lumen', 'lumen-emil')
  const ada = settings.administrator
  const none = { kind: 'none' } as const
  const rows: readonly [
    status: number,
    title: string,
    Credential,
    path: string,
    method?: string,
  ][] = [
    [401, 'No token', none, emil],
    [401, 'A token that expired an hour ago', { kind: 'expired' }, emil],
    [401, 'A token with one character changed', { kind: 'altered', subject: ada }, emil],
    [401, 'A copied token, without its key', { kind: 'copied', subject: ada }, emil],
    [401, 'A person unknown to the database', person('zoe.visitor'), emil],
    [401, 'A person who is suspended', person('jonas.meyer'), emil],
    [403, 'An auditor, who can only read', person('bruno.costa'), emil],
    [403, 'An administrator whose membership is suspended', person('goran.ilic'), emil],
    [
      403,
      'A user of an organization that is not yours',
      person(ada),
      userPath('harbour', 'harbour-kemi'),
    ],
    [
      403,
      'A suspended member who wants to leave',
      person('goran.ilic'),
      userPath('lumen', 'lumen-goran'),
    ],
    [403, LAST_ADMINISTRATOR, person(ada), userPath('lumen', 'lumen-ada')],
    [404, 'A user ID that does not exist', person(ada), userPath('lumen', 'no-such-user')],
    [404, 'A user ID of another organization', person(ada), userPath('lumen', 'harbour-kemi')],
    [404, 'A path that does not exist', none, '/api/v1/people', 'GET'],
    [405, 'Another method', person(ada), emil, 'GET'],
  ]
  return rows
    .filter(([, title]) => title !== LAST_ADMINISTRATOR || settings.keepsLastAdministrator)
    .map(([status, title, credential, path, method = 'DELETE']) => ({
      status,
      title,
      draft: { credential, method, path, idempotencyKey: '' },
    }))
}
