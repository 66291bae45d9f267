/**
 * What a log line may say: the members of its allow-list, and nothing of a token, of SQL or of an exception.
 */

const MEMBERS: Readonly<Record<string, readonly string[] | null>> = {
  message: null,
  requestID: null,
  transport: null,
  method: null,
  route: null,
  status: null,
  error: null,
  reason: null,
  durationMs: null,
  actor: ['kind', 'subject'],
  scope: ['organizationID', 'userID'],
  groupsRemoved: null,
  database: ['attempts', 'sqlMs', 'rowsRead', 'rowsWritten', 'region'],
  traceID: null,
}

/** The beginnings of a token, SQL, and what exceptions and their stacks look like. */
const TELLING = [
  /eyJ/,
  /\b(select|insert|delete|update) (\*|into|from)\b/i,
  /\bat .+\.js:\d/,
  /Error/,
]

/** What is wrong with a line; nothing, where it is as it should be. */
export function findForbidden(text: string, canary: string): string[] {
  const problems: string[] = []
  const line = JSON.parse(text) as Readonly<Record<string, unknown>>
  for (const [name, value] of Object.entries(line)) {
    const members = MEMBERS[name]
    if (members === undefined) problems.push(`${name} in ${text}`)
    if (members === undefined || members === null) continue
    for (const member of Object.keys(value as object)) {
      if (!members.includes(member)) problems.push(`${name}.${member} in ${text}`)
    }
  }
  if (text.includes(canary)) problems.push(`something of a token in ${text}`)
  for (const pattern of TELLING)
    if (pattern.test(text)) problems.push(`${pattern.source} in ${text}`)
  return problems
}
