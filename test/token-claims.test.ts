/**
 * Which claims make a token good: issuer, audience, times, subject, and the claims that must be there.
 */
import { describe, expect, test } from 'vitest'
import type { TokenChanges } from '../dev/test-issuer.ts'
import type { CallResponse } from './support/worker/caller'
import { stopClock } from './support/worker/clock'
import { ACCEPTED } from './support/worker/key-harness'
import { createHarness } from './support/worker/harness'

const now = (): number => Math.floor(Date.now() / 1_000)

async function present(changes: TokenChanges): Promise<CallResponse> {
  const { callWith, fixture } = await createHarness()
  return callWith(changes, { organizationID: fixture.organizationID, userID: 'no-such-user' })
}

/** Presents a good token with some claims replaced. */
const presentClaims = (claims: Record<string, unknown>): Promise<CallResponse> =>
  present({ claims })

/** Presents a good token whose payload has these members at its end, to the byte. */
async function presentText(members: string): Promise<CallResponse> {
  const { issuer, fixture, callWith } = await createHarness()
  const claims = JSON.stringify(issuer.claims(fixture.administrator.person.subject))
  const payloadText = `${claims.slice(0, -1)},${members}}`
  return callWith(
    { payloadText },
    { organizationID: fixture.organizationID, userID: 'no-such-user' },
  )
}

describe('the claims iss, aud, exp and sub', () => {
  test.each(['iss', 'aud', 'exp', 'sub'])('must have %s', async (name) => {
    const response = await presentClaims({ [name]: undefined })
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toContain('the access token is invalid')
  })

  test.each(['iss', 'aud', 'exp', 'sub'])('may not have null as %s', async (name) => {
    expect((await presentClaims({ [name]: null })).status).toBe(401)
  })

  test('are all that is needed', async () => {
    const rest = { client_id: undefined, iat: undefined, jti: undefined, nbf: undefined }
    expect((await presentClaims(rest)).status).toBe(ACCEPTED)
  })

  test.each(['[]', '"text"', 'null', '1', '', '{', '{"sub":}'])(
    'cannot be the payload %j',
    async (payloadText) => {
      expect((await present({ payloadText })).status).toBe(401)
    },
  )
})

describe('the issuer', () => {
  test.each([
    ['a slash more', (iss: string) => `${iss}/`],
    ['another letter case', (iss: string) => iss.toUpperCase()],
    ['a space more', (iss: string) => `${iss} `],
    ['a prefix of it', (iss: string) => iss.slice(0, -1)],
    ['a list with it', (iss: string) => [iss]],
  ])('is compared exactly: not %s', async (_, change) => {
    const { issuer, callWith } = await createHarness()
    const response = await callWith({ claims: { iss: change(issuer.vars.TOKEN_ISSUER) } })
    expect(response.status).toBe(401)
    expect(response.line.reason).toBe('jwt_issuer_mismatch')
  })
})

describe('the audience', () => {
  const ours = 'https://identity.example'

  test.each([
    [[ours]],
    [['https://other.example', ours]],
    [[null, ours]],
    [[7, ours]],
    [[{}, [], ours]],
    [[ours, ours]],
  ])('is found in %j', async (aud) => {
    expect((await presentClaims({ aud })).status).toBe(ACCEPTED)
  })

  test.each([
    ['https://other.example'],
    [`${ours}/`],
    [ours.toUpperCase()],
    [`${ours} https://other.example`],
    [[]],
    [['https://other.example']],
    [[null]],
    [[7]],
    [[[ours]]],
    [{ [ours]: true }],
    [7],
    [''],
  ])('is not found in %j', async (aud) => {
    expect((await presentClaims({ aud })).status).toBe(401)
  })
})

describe('the times', () => {
  const tolerance = 30

  test('a token is good until 30 s after it expired, by the clock’s tolerance', async () => {
    stopClock()
    expect((await presentClaims({ exp: now() - tolerance + 1 })).status).toBe(ACCEPTED)
    const late = await presentClaims({ exp: now() - tolerance })
    expect(late.status).toBe(401)
    expect(late.headers.get('WWW-Authenticate')).toContain('the access token expired')
  })

  test('a token is good from 30 s before its time on', async () => {
    stopClock()
    expect((await presentClaims({ nbf: now() + tolerance })).status).toBe(ACCEPTED)
    const early = await presentClaims({ nbf: now() + tolerance + 1 })
    expect(early.status).toBe(401)
    expect(early.line.reason).toBe('jwt_not_yet_valid')
  })

  test.each([
    ['now', 0],
    ['in the future', 3_600],
    ['long ago', -999_999_999],
  ])('the time of issue is not compared with the clock: %s', async (_, offset) => {
    expect((await presentClaims({ iat: now() + offset })).status).toBe(ACCEPTED)
  })

  test.each(['exp', 'nbf', 'iat'])('%s may have a fraction or an exponent', async (name) => {
    const base = name === 'exp' ? now() + 60 : now() - 60
    expect((await presentText(`"${name}":${base}.336421`)).status).toBe(ACCEPTED)
    expect((await presentText(`"${name}":${base / 1e9}e9`)).status).toBe(ACCEPTED)
  })

  test.each(
    ['exp', 'nbf', 'iat'].flatMap((name) =>
      ['1e400', '-1e400', 'null', '"1900000000"', 'true', '[1900000000]', '{}'].map(
        (value): [string, string] => [name, value],
      ),
    ),
  )('%s is a finite number: %s is malformed', async (name, value) => {
    const response = await presentText(`"${name}":${value}`)
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toContain('the access token is invalid')
  })

  test('a token that is bad in another way as well is not called expired', async () => {
    const responses = [
      await presentClaims({ exp: now() - 3_600, iss: 'https://other.example' }),
      await present({ claims: { exp: now() - 3_600 }, sign: async () => new Uint8Array(64) }),
    ]
    for (const response of responses) {
      expect(response.headers.get('WWW-Authenticate')).toContain('the access token is invalid')
    }
  })
})

describe('the subject', () => {
  test.each([[''], [5], [null], [true], [['a']], [{}]])('cannot be %j', async (sub) => {
    const response = await presentClaims({ sub })
    expect(response.status).toBe(401)
    expect(response.line.actor).toBeUndefined()
  })

  test('cannot hold half a surrogate pair, since the database would take it for another name', async () => {
    const { callWith } = await createHarness({
      seed: (seed, { organizationID, administrators }) =>
        void seed.member(organizationID, {
          groups: [administrators],
          personOptions: { subject: '\u{FFFD}x' },
        }),
    })
    expect((await callWith({ claims: { sub: '\u{FFFD}x' } })).status).toBe(200)
    const response = await callWith({ claims: { sub: '\uD800x' } })
    expect(response.status).toBe(401)
    expect(response.line.reason).toBe('jwt_claims_invalid')
  })

  test('is compared byte for byte', async () => {
    const { callAs } = await createHarness({
      seed: (seed, { organizationID, administrators }) =>
        void seed.member(organizationID, {
          groups: [administrators],
          personOptions: { subject: 'Zo\u00EB' },
        }),
    })
    for (const other of ['zo\u00EB', 'Zoe\u0308', 'Zo\u00EB ', 'Zo\u00EB\u0000']) {
      expect((await callAs(other)).status).toBe(401)
    }
    expect((await callAs('Zo\u00EB')).status).toBe(200)
  })

  test.each(["o'neil+test@sub.example", `CN=Zoë 中文,OU=${'x'.repeat(300)},O="A \\ B"`])(
    'may have odd characters, or be long: %s',
    async (subject) => {
      const { callAs } = await createHarness({
        seed: (seed, { organizationID, administrators }) =>
          void seed.member(organizationID, {
            groups: [administrators],
            personOptions: { subject },
          }),
      })
      const response = await callAs(subject)
      expect(response.status).toBe(200)
      expect(response.line.actor?.subject).toBe(subject)
    },
  )

  test('that names a person and a service account names nobody', async () => {
    const { callAs } = await createHarness({
      seed(seed, { organizationID, administrators }) {
        seed.serviceAccount(organizationID, [administrators], 'twice')
        seed.member(organizationID, {
          groups: [administrators],
          personOptions: { subject: 'twice', globalRoles: ['platform-administrator'] },
        })
      },
    })
    const response = await callAs('twice')
    expect(response.status).toBe(401)
    expect(response.line.reason).toBe('caller_unknown')
  })

  test('is not looked for among the IDs of people or memberships', async () => {
    const { callAs, fixture } = await createHarness()
    expect((await callAs(fixture.administrator.person.id)).status).toBe(401)
    expect((await callAs(fixture.administrator.userID)).status).toBe(401)
  })
})

test('nothing about permission is read from claims', async () => {
  const { callAs, call, token, fixture } = await createHarness()
  const claims = {
    roles: ['platform-administrator'],
    groups: [fixture.administrators],
    scope: 'all',
  }
  const boasting = await token(fixture.auditor, { claims })
  expect((await call({ ...fixture.target, token: boasting })).status).toBe(403)
  expect((await callAs(fixture.auditor)).status).toBe(403)
})
