/** Where a measurement takes place: databases filled, an issuer, workerd with the Workers, and all of it gone afterwards. */
import { rmSync } from 'node:fs'
import { closeClients } from './client.ts'
import { applyMigrations, closeFilled, createDatabases, openForFilling } from './database.ts'
import { type Issuer, startIssuer } from './issuer.ts'
import { startProgress } from './progress.ts'
import { type Runtime, startRuntime, storageOf, type WorkerSetup } from './runtime.ts'
import { migrateBetterAuth } from './session.ts'
import { createInvite, fillWorld, type Invite } from './world.ts'

/** The database that has better-auth's tables; every other one has the project's. */
export const BETTER_AUTH_DATABASE = 'better-auth'

const WORTH_SHOWING = 100_000

export interface DatabasePlan {
  readonly name: string
  /** Users besides the callers and the people. */
  readonly population: number
  /** How many users can be invited at the same time. */
  readonly people: number
  /** Run after the project's migrations. */
  readonly sql?: string
}

export interface StagePlan {
  /** Names the folder of the state, so that runs do not meet. */
  readonly run: string
  readonly databases: readonly DatabasePlan[]
  readonly workers: (issuer: Issuer) => Promise<WorkerSetup[]>
  /** Opens the inspector. */
  readonly inspect?: boolean
}

export interface Stage {
  readonly runtime: Runtime
  readonly issuer: Issuer
  /** Invites users of a database; one and the same each time, so that people are not invited twice. */
  readonly inviteTo: (database: string) => Invite
}

/** Sets a stage up, uses it, and takes it down again, whatever happens. */
export async function withStage<T>(plan: StagePlan, use: (stage: Stage) => Promise<T>): Promise<T> {
  try {
    return await useStage(plan, use)
  } finally {
    rmSync(storageOf(plan.run), { recursive: true, force: true })
  }
}

async function useStage<T>(plan: StagePlan, use: (stage: Stage) => Promise<T>): Promise<T> {
  const files = await createDatabases(
    plan.run,
    plan.databases.map(({ name }) => name),
  )
  for (const database of plan.databases) await fill(files.get(database.name)!, database)
  const issuer = await startIssuer()
  try {
    const runtime = await startRuntime({
      run: plan.run,
      workers: await plan.workers(issuer),
      inspect: plan.inspect ?? false,
    })
    try {
      const invites = new Map<string, Invite>()
      for (const { name, people } of plan.databases) {
        if (name !== BETTER_AUTH_DATABASE) {
          invites.set(name, createInvite(await runtime.database(name), people))
        }
      }
      return await use({ runtime, issuer, inviteTo: (database) => invites.get(database)! })
    } finally {
      await closeClients()
      await runtime.stop()
    }
  } finally {
    issuer.stop()
  }
}

async function fill(file: string, { name, population, people, sql }: DatabasePlan): Promise<void> {
  if (name === BETTER_AUTH_DATABASE) return migrateBetterAuth(file)
  const database = openForFilling(file)
  applyMigrations(database)
  if (sql !== undefined) database.exec(sql)
  const count = population.toLocaleString('en')
  const progress =
    population >= WORTH_SHOWING ? startProgress(`load ${count} users`, population) : undefined
  fillWorld(database, population, people, progress?.update)
  closeFilled(database)
  progress?.stop()
}
