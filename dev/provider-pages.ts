/**
 * The local provider's page, which asks who signs in. No password and no script. Each text of a request is escaped.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Configuration, Interaction, Provider } from 'oidc-provider'
import { STYLESHEET } from './console/stylesheet.ts'
import { callers, organizations, people, type Person } from './seed-data.ts'

/** Handles a request for `/interaction/…`: shows the page, or takes its form. */
export async function handleInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const interaction = await provider.interactionDetails(request, response)
    if (request.method !== 'POST') return send(response, 200, loginPage(interaction))
    const result = readChoice(new URLSearchParams(await text(request)))
    await provider.interactionFinished(request, response, result)
  } catch (error) {
    send(response, 400, errorPage(error instanceof Error ? error.message : String(error)))
  }
}

/** The provider's own errors, as a page. */
export const renderError: NonNullable<Configuration['renderError']> = (context, out) => {
  context.type = 'html'
  context.body = errorPage(`${out.error}: ${out.error_description ?? ''}`)
}

function readChoice(form: URLSearchParams) {
  if (form.has('cancel')) {
    return { error: 'access_denied', error_description: 'the sign-in was cancelled.' }
  }
  const subject = form.get('subject') ?? ''
  if (!people.some((person) => person.subject === subject)) throw new Error('No such person')
  return { login: { accountId: subject } }
}

function loginPage({ params }: Interaction): string {
  const hinted = people.find(({ subject }) => subject === params['login_hint'])
  const recommended = hinted ?? people.find(({ subject }) => subject === callers.administrator)
  const others = people.filter((person) => person !== recommended)
  return page(
    'Who are you?',
    `<p>The local provider asks for no password. Choose who signs in to
<strong>${escapeHTML(String(params['client_id']))}</strong>.</p>
<form method="post">
${recommended === undefined ? '' : `<div class="card"><h2>Recommended</h2><ul class="rows">${personRow(recommended, 'autofocus')}</ul></div>`}
<div class="card"><h2>Other people</h2><ul class="rows">${others.map((person) => personRow(person)).join('')}</ul></div>
<button class="outline" name="cancel" value="yes">Cancel</button></form>`,
  )
}

function personRow(person: Person, attribute = ''): string {
  return `<li><button class="pick" name="subject" value="${escapeHTML(person.subject)}" ${attribute}>
<span><strong>${escapeHTML(person.name)}</strong> <small>${escapeHTML(person.email)}</small></span>
<small>${rolesOf(person).map(escapeHTML).join('<br>') || 'Unknown to the identity database'}</small>
</button></li>`
}

/** What the seed data says about a person: organizations and groups. The database can differ by now. */
function rolesOf({ subject, user, platformAdministrator }: Person): string[] {
  const memberships = organizations.flatMap(({ name, users, groups }) =>
    Object.entries(users)
      .filter(([, member]) => member.subject === subject)
      .map(([id, { state }]) => {
        const of = groups.filter(({ members }) => members.includes(id)).map((group) => group.name)
        return `${name}${state === 'active' ? '' : ` (${state})`}: ${of.join(', ') || 'no group'}`
      }),
  )
  return [
    ...(user === undefined || user.state === 'active' ? [] : [`This person is ${user.state}`]),
    ...(platformAdministrator ? ['Platform administrator'] : []),
    ...memberships,
  ]
}

function errorPage(message: string): string {
  return page(
    'The sign-in failed',
    `<p class="card">${escapeHTML(message)}</p><p>Go back to the page that you came from and sign in again.</p>`,
  )
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>${title} · local OpenID provider</title>
<style>${STYLESHEET}</style>
<body class="narrow"><header><h1>${title}</h1><p>Local OpenID provider</p></header>
<main>${body}</main>
</html>
`
}

function send(response: ServerResponse, status: number, html: string): void {
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }
  response.writeHead(status, headers).end(html)
}

function escapeHTML(plain: string): string {
  return plain.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
