/**
 * Another Worker with the same D1, which edits the groups of an organization, one transaction an edit, and reports the
 * changes of each.
 */

/** An edit. */
export type Edit =
  | {
      readonly kind: 'join' | 'leave'
      readonly organizationID: string
      readonly groupID: string
      readonly userID: string
    }
  | { readonly kind: 'rename'; readonly groupID: string; readonly name: string }
  | { readonly kind: 'dissolve'; readonly groupID: string }

/** Its result. */
export type EditResult =
  /** The users that joined, left or lost the group, or the group itself; empty if nothing changed. */
  | { readonly changed: readonly string[] }
  /** The user or the group is not there. */
  | { readonly missing: true }

const SQL = {
  join: `INSERT INTO group_members (organization_id, group_id, organization_user_id)
    VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING RETURNING organization_user_id AS changed`,
  leave: `DELETE FROM group_members WHERE organization_id = ?1 AND group_id = ?2
    AND organization_user_id = ?3 RETURNING organization_user_id AS changed`,
  rename: 'UPDATE groups SET name = ?2 WHERE id = ?1 RETURNING id AS changed',
  list: 'SELECT organization_user_id AS changed FROM group_members WHERE group_id = ?1',
  dissolve: 'DELETE FROM groups WHERE id = ?1',
}

function prepareEdit(db: D1Database, edit: Edit): D1PreparedStatement[] {
  switch (edit.kind) {
    case 'join':
    case 'leave':
      return [db.prepare(SQL[edit.kind]).bind(edit.organizationID, edit.groupID, edit.userID)]
    case 'rename':
      return [db.prepare(SQL.rename).bind(edit.groupID, edit.name)]
    case 'dissolve':
      return [SQL.list, SQL.dissolve].map((sql) => db.prepare(sql).bind(edit.groupID))
  }
}

async function applyEdit(db: D1Database, edit: Edit): Promise<EditResult> {
  try {
    const [first] = await db.batch<{ changed: string }>(prepareEdit(db, edit))
    return { changed: (first?.results ?? []).map(({ changed }) => changed) }
  } catch (error) {
    if (String(error).includes('FOREIGN KEY constraint failed')) return { missing: true }
    throw error
  }
}

export default {
  async fetch(request, env) {
    return Response.json(await applyEdit(env.DB, await request.json<Edit>()))
  },
} satisfies ExportedHandler<{ DB: D1Database }>
