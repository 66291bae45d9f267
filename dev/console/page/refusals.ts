/**
 * One prepared call for each kind of refusal, on the people of the local stack. Nothing here is sent by itself.
 */
import type { Settings } from '../protocol.ts'
import { userPath, type Credential, type Draft } from './call.ts'

/** A call that is to be refused. */
export interface Refusal {
  readonly status: number
  readonly title: string
  readonly draft: Draft
}

const ada = 'ada.berg'
const person = (subject: string): Credential => ({ kind: 'person', subject })

function refusal(
  status: number,
  title: string,
  credential: Credential,
  path: string,
  method = 'DELETE',
): Refusal {
  return { status, title, draft: { credential, method, path, idempotencyKey: '' } }
}

/** The refusals that can be tried. */
export function listRefusals({ keepsLastAdministrator }: Settings): readonly Refusal[] {
  const emil = userPath('lumen', 'lumen-emil')
  return [
    refusal(401, 'No token at all', { kind: 'none' }, emil),
    refusal(401, 'A token that expired an hour ago', { kind: 'expired' }, emil),
    refusal(401, 'A token with one character changed', { kind: 'altered', subject: ada }, emil),
    refusal(401, 'A person whom the database does not know', person('zoe.visitor'), emil),
    refusal(401, 'A person who is suspended', person('jonas.meyer'), emil),
    refusal(403, 'An auditor may look, not remove', person('bruno.costa'), emil),
    refusal(403, 'A suspended membership has no power', person('goran.ilic'), emil),
    refusal(
      403,
      'An administrator of another organization',
      person(ada),
      userPath('harbour', 'harbour-kemi'),
    ),
    ...(keepsLastAdministrator
      ? [refusal(403, 'The last administrator', person(ada), userPath('lumen', 'lumen-ada'))]
      : []),
    refusal(404, 'Nobody has this ID', person(ada), userPath('lumen', 'nobody')),
    refusal(404, 'A user of another organization', person(ada), userPath('lumen', 'harbour-kemi')),
    refusal(404, 'A path that does not exist', { kind: 'none' }, '/api/v1/people', 'GET'),
    refusal(405, 'Another method', person(ada), emil, 'GET'),
  ]
}
