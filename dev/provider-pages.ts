/**
 * The page of the local OpenID provider, which asks who signs in. No password and no script. Escapes every text of a
 * request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Configuration, Interaction, Provider } from 'oidc-provider'
import { STYLESHEET } from './console/assets.ts'
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

/** Shows an error of the provider as a page. */
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
  const hint = people.find(({ subject }) => subject === params['login_hint'])
  const recommended = hint?.subject ?? callers.administrator
  const rows = (isRecommended: boolean) =>
    people
      .filter(({ subject }) => (subject === recommended) === isRecommended)
      .map((person) => personRow(person, isRecommended ? 'autofocus' : ''))
      .join('')
  return page(
    'Who are you?',
    `<p>The local provider asks for no password. Choose who signs in to
<strong>${escapeHTML(String(params['client_id']))}</strong>.</p>
<form class="vstack" method="post">
<div class="card"><h2>Recommended</h2><ul class="rows">${rows(true)}</ul></div>
<div class="card"><h2>Other people</h2><ul class="rows">${rows(false)}</ul></div>
<button class="outline" name="cancel" value="yes">Cancel</button></form>`,
  )
}

function personRow({ subject, name, email, state }: Person, attribute: string): string {
  const details = [
    ...(state === undefined ? ['Unknown to the identity database'] : []),
    ...(state === 'active' || state === undefined ? [] : [`This person is ${state}`]),
    ...(subject === callers.platformAdministrator ? ['Platform administrator'] : []),
    ...describeMemberships(subject),
  ]
  return `<li><button class="pick ghost" name="subject" value="${escapeHTML(subject)}" ${attribute}>
<span><strong>${escapeHTML(name)}</strong> <small>${escapeHTML(email)}</small></span>
<small>${details.map(escapeHTML).join('<br>')}</small>
</button></li>`
}

/** The organizations and groups of a person in the seed data. The database can differ. */
function describeMemberships(subject: string): string[] {
  return organizations.flatMap(({ name, members, states }) => {
    const groups = members[subject]
    if (groups === undefined) return []
    const state = states[subject] === undefined ? '' : ` (${states[subject]})`
    return [`${name}${state}: ${groups.join(', ')}`]
  })
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
<body class="narrow"><header class="hstack justify-between"><h1>${title}</h1><p>Local OpenID provider</p></header>
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
