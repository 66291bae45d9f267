/**
 * What `npm start` prints: real tokens in files, and a curl command for each kind of response, on people who are still
 * there. The commands read the files, so that they stay short and the tokens can be renewed.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { callers, people } from './seed-data.ts'
import type { Stack } from './stack.ts'
import { quote, resetCommand, shellPath } from './state-folder.ts'

interface Candidate {
  readonly id: string
  readonly subject: string
  readonly groups: number
}

/** Signs in the callers of the examples and writes their access tokens, each valid for an hour, into files. */
export async function writeTokens(stack: Stack): Promise<void> {
  const tokens = {
    administrator: await stack.signIn(callers.administrator),
    auditor: await stack.signIn(callers.auditor),
    'platform-administrator': await stack.signIn(callers.platformAdministrator),
    'service-account': await stack.signInServiceAccount(callers.serviceAccount),
    expired: await stack.signInTwoHoursAgo(callers.administrator),
    ...(await makeBoundToken(stack)),
  }
  mkdirSync(stack.state.tokens, { recursive: true, mode: 0o700 })
  for (const [name, token] of Object.entries(tokens)) {
    writeFileSync(join(stack.state.tokens, name), token, { mode: 0o600 })
  }
}

/** A token that is bound to a key (DPoP), and the key as a private JWK. */
async function makeBoundToken(stack: Stack): Promise<{ bound: string; 'bound-key': string }> {
  const keyPair = await generateKeyPair('ES256', { extractable: true })
  const bound = await stack.signIn(callers.administrator, keyPair)
  return { bound, 'bound-key': JSON.stringify(await exportJWK(keyPair.privateKey)) }
}

/** One command for each kind of response, as text. */
export async function describeExamples(stack: Stack): Promise<string> {
  const [first, second, , fourth] = await findCandidates(stack, 'lumen')
  const [third] = await findCandidates(stack, 'harbour')
  const example = (status: number, what: string, path: string, token: string) =>
    `${status}  ${what}\n${token === 'bound' ? callWithProof(stack, path) : curl(stack, path, token)}`
  const removal = (
    who: string,
    organizationID: string,
    target: Candidate | undefined,
    token: string,
  ) =>
    target === undefined
      ? `200  ${who}: no user is left. For new data, stop this and run:\n     ${resetCommand(stack.state.path)}`
      : example(
          200,
          `${who} removes ${describe(target)}`,
          `${organizationID}/users/${target.id}`,
          token,
        )

  return [
    removal('Ada Berg, administrator of Lumen Robotics,', 'lumen', first, 'administrator'),
    removal('HR sync, service account of Lumen Robotics,', 'lumen', second, 'service-account'),
    removal('Chioma Eze, platform administrator,', 'harbour', third, 'platform-administrator'),
    removal('Ada Berg, with a token bound to a key,', 'lumen', fourth, 'bound'),
    `401  A thief, with a copy of that token\n${curl(stack, 'lumen/users/lumen-ada', 'bound', 'DPoP')}`,
    example(
      401,
      'Ada Berg, with a token that expired an hour ago',
      'lumen/users/lumen-ada',
      'expired',
    ),
    example(
      403,
      'Bruno Costa, auditor: he may look, not remove',
      'lumen/users/lumen-ada',
      'auditor',
    ),
    example(404, 'Ada Berg, for a user that does not exist', 'lumen/users/absent', 'administrator'),
  ].join('\n\n')
}

/** How another Worker binds to the stack: its configuration, its call and the command that runs both. */
export async function describeBinding(stack: Stack): Promise<string> {
  const { config, databases } = stack.state
  const [, , candidate] = await findCandidates(stack, 'lumen')
  return `Bind your own Worker to this stack. In its wrangler.toml:
       [[services]]
       binding = "IDENTITY"
       service = "identity"
       entrypoint = "Identity"
     in its source, with the text of a token file:
       await env.IDENTITY.deleteUser({
         token, organizationID: 'lumen', userID: '${candidate?.id ?? 'lumen-noor'}',
       })
     in its folder, while this runs; \`identity\` gets the values and the data of this stack:
       npx wrangler dev -c wrangler.toml \\
         -c ${quote(config)} \\
         --persist-to ${quote(databases)}`
}

/** The users of an organization that are no callers of the examples; those in most groups first. */
async function findCandidates({ database }: Stack, organizationID: string): Promise<Candidate[]> {
  const { results } = await database
    .prepare(
      `SELECT member.id, users.subject, COUNT(group_members.group_id) AS groups
      FROM organization_users AS member
      JOIN users ON users.id = member.user_id
      LEFT JOIN group_members ON group_members.organization_user_id = member.id
      WHERE member.organization_id = ? AND users.subject NOT IN (?, ?, ?)
      GROUP BY member.id ORDER BY groups DESC, member.id`,
    )
    .bind(organizationID, callers.administrator, callers.auditor, callers.platformAdministrator)
    .all()
  return results.map(({ id, subject, groups }) => ({
    id: String(id),
    subject: String(subject),
    groups: Number(groups),
  }))
}

function describe({ id, subject, groups }: Candidate): string {
  const name = people.find((person) => person.subject === subject)?.name ?? id
  return `${name}, who is in ${groups === 0 ? 'no group' : groups === 1 ? '1 group' : `${groups} groups`}`
}

function curl({ workerURL, state }: Stack, path: string, token: string, scheme = 'Bearer'): string {
  const file = quote(join(state.tokens, token))
  return `     curl -i -X DELETE ${workerURL.origin}/api/v1/organizations/${path} \\
       -H "Authorization: ${scheme} $(cat ${file})"`
}

/** The script makes the proof that curl cannot make. */
function callWithProof({ workerURL, state }: Stack, path: string): string {
  return `     node ${shellPath(join(import.meta.dirname, 'call-with-proof.js'))} \\
       ${workerURL.origin}/api/v1/organizations/${path} \\
       ${quote(join(state.tokens, 'bound'))} \\
       ${quote(join(state.tokens, 'bound-key'))}`
}
