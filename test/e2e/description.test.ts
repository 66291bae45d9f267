/**
 * docs/openapi.yaml before a strict linter, with every rule an error. Its two rules that the truth breaks are named here:
 * a method that is never allowed has no success, and OPTIONS has no refusal.
 */
import { expect, test } from 'vitest'
import { runTool } from './support/tools'

const PATH = '#/paths/~1api~1v1~1organizations~1{organizationID}~1users~1{userID}'
const REFUSED_METHODS = ['get', 'head', 'patch', 'post', 'put', 'trace']

const exceptions = [
  ...REFUSED_METHODS.map((method) => `operation-2xx-response ${PATH}/${method}/responses`),
  `operation-4xx-response ${PATH}/options/responses`,
]

interface Problem {
  readonly ruleId: string
  readonly location: readonly { readonly pointer: string }[]
}

test('the strictest rules of Redocly find nothing but what is true of this API', async () => {
  const rules = ['--extends', 'recommended-strict', '--format', 'json']
  const { output } = await runTool('redocly', ['lint', 'docs/openapi.yaml', ...rules])
  const report = output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)
  const { problems } = JSON.parse(report) as { problems: readonly Problem[] }
  const found = problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer}`)
  expect(found.toSorted()).toEqual(exceptions.toSorted())
})
