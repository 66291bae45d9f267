/**
 * The examples that `npm start` prints: real tokens in files, and a command for each kind of response, on users that
 * exist. The commands read the files, so they stay short and the tokens can be renewed.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { callers, people } from './seed-data.ts'
import type { Stack } from './stack.ts'
import { quote, resetCommand, shellPath } from './state-folder.ts'

interface Target {
  readonly userID: string
  readonly path: string
  readonly description: string
}

/** Signs in the callers of the examples and writes their access tokens, each valid for an hour, into files. */
export async function writeTokens(stack: Stack): Promise<void> {
  const keyPair = await generateKeyPair('ES256', { extractable: true })
  const tokens = {
    administrator: await stack.signIn(callers.administrator),
    auditor: await stack.signIn(callers.auditor),
    'platform-administrator': await stack.signIn(callers.platformAdministrator),
    'service-account': await stack.signInServiceAccount(callers.serviceAccount),
    expired: await stack.signInTwoHoursAgo(callers.administrator),
    bound: await stack.signIn(callers.administrator, keyPair),
    'bound-key': JSON.stringify(await exportJWK(keyPair.privateKey)),
  }
  mkdirSync(stack.state.tokens, { recursive: true, mode: 0o700 })
  for (const [name, token] of Object.entries(tokens)) {
    writeFileSync(join(stack.state.tokens, name), token, { mode: 0o600 })
  }
}

export async function describeExamples(stack: Stack): Promise<string> {
  const [first, second, , fourth] = await findTargets(stack, 'lumen')
  const [third] = await findTargets(stack, 'harbour')
  const ada = 'lumen/users/lumen-ada'
  const absent = 'lumen/users/absent'
  const remove = (
    caller: string,
    target: Target | undefined,
    toCommand: (path: string) => string,
  ) =>
    target === undefined
      ? `200  ${caller}: no user is left. For new data, stop this and run:\n     ${resetCommand(stack.state.path)}`
      : `200  ${caller} removes ${target.description}\n${toCommand(target.path)}`
  const by = (token: string) => (path: string) => curl(stack, path, token)
  return [
    remove('Ada Berg, administrator of Lumen Robotics,', first, by('administrator')),
    remove('HR sync, service account of Lumen Robotics,', second, by('service-account')),
    remove('Chioma Eze, platform administrator,', third, by('platform-administrator')),
    remove('Ada Berg, with a token bound to a key,', fourth, (path) => callWithProof(stack, path)),
    `401  A thief, with a copy of that token\n${curl(stack, ada, 'bound', 'DPoP')}`,
    `401  Ada Berg, with a token that expired an hour ago\n${curl(stack, ada, 'expired')}`,
    `403  Bruno Costa, auditor, who can only read\n${curl(stack, ada, 'auditor')}`,
    `404  Ada Berg, for a user that does not exist\n${curl(stack, absent, 'administrator')}`,
  ].join('\n\n')
}

/** How another Worker binds to the stack: its configuration, its call and the command that runs both. */
export async function describeBinding(stack: Stack): Promise<string> {
  const { config, databases } = stack.state
  const [, , target] = await findTargets(stack, 'lumen')
  return `Bind your own Worker to this stack. In its wrangler.toml:
       [[services]]
       binding = "IDENTITY"
       service = "identity"
       entrypoint = "Identity"
     in its source, with the text of a token file:
       await env.IDENTITY.deleteUser({
         token, organizationID: 'lumen', userID: '${target?.userID ?? 'lumen-noor'}',
       })
     in its folder, while this runs; \`identity\` gets the values and the data of this stack:
       npx wrangler dev -c wrangler.toml \\
         -c ${quote(config)} \\
         --persist-to ${quote(databases)}`
}

/** The users of an organization who are not callers of the examples; those in most groups first. */
async function findTargets({ database }: Stack, organizationID: string): Promise<Target[]> {
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
  return results.map(({ id, subject, groups }) => {
    const userID = String(id)
    const name = people.find((person) => person.subject === subject)?.name ?? userID
    const number = `${Number(groups) || 'no'} group${groups === 1 ? '' : 's'}`
    const path = `${organizationID}/users/${userID}`
    return { userID, path, description: `${name}, who is in ${number}` }
  })
}

function curl({ workerURL, state }: Stack, path: string, token: string, scheme = 'Bearer'): string {
  return `     curl -i -X DELETE ${workerURL.origin}/api/v1/organizations/${path} \\
       -H "Authorization: ${scheme} $(cat ${quote(join(state.tokens, token))})"`
}

/** The script makes the proof, which curl cannot make. */
function callWithProof({ workerURL, state }: Stack, path: string): string {
  return `     node ${shellPath(join(import.meta.dirname, 'call-with-proof.js'))} \\
       ${workerURL.origin}/api/v1/organizations/${path} \\
       ${quote(join(state.tokens, 'bound'))} \\
       ${quote(join(state.tokens, 'bound-key'))}`
}
