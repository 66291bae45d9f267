/**
 * One prepared call for each kind of refusal, on the people of the seed data.
 */
import type { Settings } from '../protocol.ts'
import { userPath, type Credential } from './call.ts'

const as = (subject: string): Credential => ({ kind: 'person', subject })
const refusal = (
  status: number,
  title: string,
  credential: Credential,
  path: string,
  method = 'DELETE',
) => ({ status, title, draft: { credential, method, path, idempotencyKey: '' } })

/** The refusals that the settings of the Worker allow to try. */
export function listRefusals(settings: Settings) {
  const subject = settings.administrator
  const none = { kind: 'none' } as const
  const ada = as(subject)
  const altered = { kind: 'altered', subject } as const
  const copied = { kind: 'copied', subject } as const
  const emil = userPath('lumen', 'lumen-emil')
  const goran = userPath('lumen', 'lumen-goran')
  const kemi = userPath('harbour', 'harbour-kemi')
  return [
    refusal(401, 'No token', none, emil),
    refusal(401, 'A token that expired an hour ago', { kind: 'expired' }, emil),
    refusal(401, 'A token with one character changed', altered, emil),
    refusal(401, 'A copied token, without its key', copied, emil),
    refusal(401, 'A person unknown to the database', as('zoe.visitor'), emil),
    refusal(401, 'A person who is suspended', as('jonas.meyer'), emil),
    refusal(403, 'An auditor, who can only read', as('bruno.costa'), emil),
    refusal(403, 'An administrator whose membership is suspended', as('goran.ilic'), emil),
    refusal(403, 'A user of an organization that is not yours', ada, kemi),
    refusal(403, 'A suspended member who wants to leave', as('goran.ilic'), goran),
    ...(settings.keepsLastAdministrator
      ? [refusal(403, 'The last administrator', ada, userPath('lumen', 'lumen-ada'))]
      : []),
    refusal(404, 'A user ID that does not exist', ada, userPath('lumen', 'no-such-user')),
    refusal(404, 'A user ID of another organization', ada, userPath('lumen', 'harbour-kemi')),
    refusal(404, 'A path that does not exist', none, '/api/v1/people', 'GET'),
    refusal(405, 'Another method', ada, emil, 'GET'),
  ]
}
