/**
 * The edits of the other Worker, and the books that are kept of them: what each acknowledged edit has said, so that at
 * the end every row can be accounted for.
 */
import type { Member } from '../../support/seed'
import type { Edit, EditResult } from './editor-worker'

/** A user whose groups are edited. */
export interface Fellow extends Member {
  readonly groups: readonly string[]
  /** Whether it is deleted meanwhile. */
  readonly isDoomed: boolean
  /** How many memberships the edits have left to it. */
  memberships: number
}

/** What the edits have come to. */
export interface Editors {
  readonly fellows: ReadonlyMap<string, Fellow>
  /** The groups that are dissolved, from before the edit is sent. */
  readonly dissolved: ReadonlySet<string>
  /** `user group` for each membership that should be there, were nobody deleted. */
  readonly members: ReadonlySet<string>
  readonly names: ReadonlyMap<string, string>
  /** How many edits found their user or group gone. */
  missed(): number
  add(fellow: Fellow): void
  changeMembership(fellow: Fellow, groupID: string, joins: boolean): Promise<void>
  dissolve(groupID: string): Promise<void>
  rename(groupID: string, name: string): Promise<void>
}

/** The books of the Worker at `url`. */
export function openBooks(url: URL): Editors {
  const fellows = new Map<string, Fellow>()
  const dissolved = new Set<string>()
  const members = new Set<string>()
  const names = new Map<string, string>()
  let missed = 0

  async function edit(wanted: Edit): Promise<EditResult> {
    const response = await fetch(url.href, { method: 'POST', body: JSON.stringify(wanted) })
    if (!response.ok) throw new Error(await response.text())
    return response.json<EditResult>()
  }

  return {
    fellows,
    dissolved,
    members,
    names,
    missed: () => missed,
    add: (fellow) => void fellows.set(fellow.userID, fellow),
    async changeMembership(fellow, groupID, joins) {
      const { organizationID, userID } = fellow
      const kind = joins ? 'join' : 'leave'
      const result = await edit({ kind, organizationID, groupID, userID })
      if ('missing' in result) {
        missed += 1
        const mayMiss = joins && (fellow.isDoomed || dissolved.has(groupID))
        if (!mayMiss) throw new Error('an edit missed a user and a group that nobody has deleted')
        return
      }
      fellow.memberships += (joins ? 1 : -1) * result.changed.length
      if (joins) members.add(`${userID} ${groupID}`)
      else members.delete(`${userID} ${groupID}`)
    },
    async dissolve(groupID) {
      dissolved.add(groupID)
      const result = await edit({ kind: 'dissolve', groupID })
      if ('missing' in result) throw new Error('a group was gone before it was dissolved')
      for (const userID of result.changed) {
        const fellow = fellows.get(userID)
        if (fellow !== undefined) fellow.memberships -= 1
      }
    },
    async rename(groupID, name) {
      const result = await edit({ kind: 'rename', groupID, name })
      const isDone = 'changed' in result && result.changed.length === 1
      if (isDone) names.set(groupID, name)
      else if (!dissolved.has(groupID)) throw new Error('a rename missed a group that is there')
    },
  }
}
