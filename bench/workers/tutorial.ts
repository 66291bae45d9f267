/**
 * A Worker as the documents of Hono and Drizzle teach to write it, on this project's tables: Hono's `jwk` middleware,
 * then one awaited query after another. docs/performance.md lists what it leaves out.
 */
import { and, eq, inArray } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type Context, Hono } from 'hono'
import { jwk } from 'hono/jwk'
import type { JwtVariables } from 'hono/jwt'
import {
  globalRoleBindings,
  groupMembers,
  groupRoles,
  organizationUsers,
  rolePermissions,
  userDeletions,
  users,
} from '../../queries/schema.ts'
import type { Env } from './minimum.ts'

interface Bindings extends Env {
  readonly JWKS_URL: string
  /** `given`: the middleware gets the public key and fetches nothing. */
  readonly KEYS?: string
}

type App = { Bindings: Bindings; Variables: JwtVariables<{ sub: string }> }

const DELETE_USERS = and(
  eq(rolePermissions.endpoint, 'identity:users'),
  eq(rolePermissions.operation, 'delete'),
)

const app = new Hono<App>()
app.use('/api/*', async (context, next) => {
  const { env } = context
  const verify = jwk({
    ...(env.KEYS === 'given' ? { keys: [JSON.parse(env.PUBLIC_KEY)] } : { jwks_uri: env.JWKS_URL }),
    alg: ['ES256'],
    verification: { iss: env.TOKEN_ISSUER, aud: env.TOKEN_AUDIENCE, typ: 'at+jwt' },
  })
  return verify(context, next)
})
// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- a rule for Express; Hono awaits its handlers
app.delete('/api/v1/organizations/:organizationID/users/:userID', deleteUser)
app.onError((error, context) => {
  if ('getResponse' in error) return (error as { getResponse(): Response }).getResponse()
  console.error(error)
  return context.json({ error: 'server_error' }, 500)
})

export default app

type Database = ReturnType<typeof drizzle>

async function deleteUser(
  context: Context<App, '/api/v1/organizations/:organizationID/users/:userID'>,
): Promise<Response> {
  const database = drizzle(context.env.DB)
  const { organizationID, userID } = context.req.param()
  const { sub } = context.get('jwtPayload')

  const [caller] = await database.select().from(users).where(eq(users.subject, sub)).limit(1)
  if (caller?.state !== 'active') return context.json({ error: 'access_denied' }, 401)
  const permitted =
    (await isPermittedByGroup(database, caller.id, organizationID)) ||
    (await isPermittedGlobally(database, caller.id))
  if (!permitted) return context.json({ error: 'forbidden' }, 403)

  const [target] = await database
    .select()
    .from(organizationUsers)
    .where(
      and(eq(organizationUsers.id, userID), eq(organizationUsers.organizationID, organizationID)),
    )
    .limit(1)
  if (target === undefined) return context.json({ error: 'not_found' }, 404)

  const groups = await database
    .select({ id: groupMembers.groupID })
    .from(groupMembers)
    .where(eq(groupMembers.organizationUserID, target.id))
  await database.delete(groupMembers).where(eq(groupMembers.organizationUserID, target.id))
  await database.delete(organizationUsers).where(eq(organizationUsers.id, target.id))
  await database.insert(userDeletions).values({
    id: crypto.randomUUID(),
    organizationID,
    organizationUserID: target.id,
    userID: target.userID,
    actorKind: 'user',
    actorSubject: sub,
    groupsRemoved: groups.length,
    requestID: crypto.randomUUID(),
    deletedAt: Date.now(),
  })
  console.log(JSON.stringify({ message: 'user removed', organizationID, userID, actor: sub }))
  return context.body(null, 200)
}

async function isPermittedByGroup(
  database: Database,
  callerID: string,
  organizationID: string,
): Promise<boolean> {
  const [membership] = await database
    .select()
    .from(organizationUsers)
    .where(
      and(
        eq(organizationUsers.userID, callerID),
        eq(organizationUsers.organizationID, organizationID),
      ),
    )
    .limit(1)
  if (membership?.state !== 'active') return false
  const groups = await database
    .select({ id: groupMembers.groupID })
    .from(groupMembers)
    .where(eq(groupMembers.organizationUserID, membership.id))
  if (groups.length === 0) return false
  const groupIDs = groups.map((group) => group.id)
  const permissions = await database
    .select({ roleID: rolePermissions.roleID })
    .from(groupRoles)
    .innerJoin(rolePermissions, eq(rolePermissions.roleID, groupRoles.roleID))
    .where(
      and(
        inArray(groupRoles.groupID, groupIDs),
        eq(rolePermissions.scope, 'organization'),
        DELETE_USERS,
      ),
    )
    .limit(1)
  return permissions.length > 0
}

async function isPermittedGlobally(database: Database, callerID: string): Promise<boolean> {
  const permissions = await database
    .select({ roleID: rolePermissions.roleID })
    .from(globalRoleBindings)
    .innerJoin(rolePermissions, eq(rolePermissions.roleID, globalRoleBindings.roleID))
    .where(
      and(
        eq(globalRoleBindings.userID, callerID),
        eq(rolePermissions.scope, 'global'),
        DELETE_USERS,
      ),
    )
    .limit(1)
  return permissions.length > 0
}
