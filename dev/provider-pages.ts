/**
 * The two pages of the local provider: who are you, and may this program act for you. No password and no script; every
 * text that comes from a request is escaped.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Configuration, Interaction, Provider } from 'oidc-provider'
import { organizations, people, type Person } from './seed-data.ts'

/** Answers a request for `/interaction/…`: shows the page that is due, or takes its form. */
export async function answerInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const interaction = await provider.interactionDetails(request, response)
    if (request.method !== 'POST') {
      const login = interaction.prompt.name === 'login'
      send(response, 200, login ? loginPage(interaction) : consentPage(interaction))
      return
    }
    const form = new URLSearchParams(await text(request))
    const result = await decide(provider, interaction, form)
    // A consent comes on top of the sign-in before it, which `prompt=login` would else ask for again.
    await provider.interactionFinished(request, response, result, {
      mergeWithLastSubmission: interaction.prompt.name !== 'login',
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    send(response, 400, page('That did not work', `<p>${escapeHTML(message)}</p>`))
  }
}

/** The provider's own errors, as a page. */
export const renderError: NonNullable<Configuration['renderError']> = (context, out) => {
  context.type = 'html'
  context.body = page(
    'That did not work',
    `<p>${escapeHTML(out.error)}: ${escapeHTML(out.error_description ?? '')}</p>`,
  )
}

async function decide(provider: Provider, interaction: Interaction, form: URLSearchParams) {
  const { prompt, params, session } = interaction
  if (form.has('cancel')) {
    return { error: 'access_denied', error_description: 'the person at the page cancelled' }
  }
  if (prompt.name === 'login') {
    const subject = form.get('subject') ?? ''
    if (!people.some((person) => person.subject === subject)) throw new Error('No such person')
    return { login: { accountId: subject } }
  }
  const clientId = String(params['client_id'])
  if (session === undefined) throw new Error('Nobody is signed in')
  const grant =
    (interaction.grantId && (await provider.Grant.find(interaction.grantId))) ||
    new provider.Grant({ accountId: session.accountId, clientId })
  const missing = prompt.details as {
    missingOIDCScope?: string[]
    missingOIDCClaims?: string[]
    missingResourceScopes?: Record<string, string[]>
  }
  if (missing.missingOIDCScope) grant.addOIDCScope(missing.missingOIDCScope.join(' '))
  if (missing.missingOIDCClaims) grant.addOIDCClaims(missing.missingOIDCClaims)
  for (const [resource, scopes] of Object.entries(missing.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '))
  }
  return { consent: { grantId: await grant.save() } }
}

function loginPage({ params }: Interaction): string {
  const buttons = people.map(
    (person) => `<button name="subject" value="${escapeHTML(person.subject)}"
${person.subject === params['login_hint'] ? 'autofocus' : ''}>
<strong>${escapeHTML(person.name)}</strong> ${escapeHTML(person.email)}
<small>${escapeHTML(rolesOf(person).join(' · ') || 'unknown to the identity database')}</small>
</button>`,
  )
  return page('Who are you?', `<form method="post">${buttons.join('')}</form>`)
}

function consentPage({ params, session }: Interaction): string {
  const person = people.find(({ subject }) => subject === session?.accountId)
  return page(
    'Allow access?',
    `<p><strong>${escapeHTML(String(params['client_id']))}</strong> wants to act for
<strong>${escapeHTML(person?.name ?? '')}</strong> with: ${escapeHTML(String(params['scope']))}</p>
<form method="post"><button name="allow" value="yes"><strong>Allow</strong></button>
<button name="cancel" value="yes">Cancel</button></form>`,
  )
}

/** What the seed data says of a person: where it is a member, in which groups. The database may have moved on. */
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
    ...(user === undefined || user.state === 'active' ? [] : [`this person is ${user.state}`]),
    ...(platformAdministrator ? ['Platform administrator'] : []),
    ...memberships,
  ]
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} · local OpenID provider</title>
<style>
body { font: 16px/1.4 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
button { display: block; width: 100%; margin: .4rem 0; padding: .6rem .8rem; font: inherit; text-align: left;
  border: 1px solid #888; border-radius: .4rem; background: #fff; color: #111; cursor: pointer }
button:hover, button:focus-visible { outline: 2px solid #0a58ca }
small { display: block; color: #555 }
</style>
<h1>${title}</h1>
${body}
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
