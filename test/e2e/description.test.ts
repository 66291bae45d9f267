/**
 * docs/openapi.yaml before a strict linter, with every rule an error. Two problems are named here, since they are true of
 * this API: OPTIONS cannot fail with 4xx, and no operation has the response to methods that are not described.
 */
import { expect, test } from 'vitest'
import { runTool } from './support/tools'

const PATH = '#/paths/~1api~1v1~1organizations~1{organizationID}~1users~1{userID}'

const exceptions = [
  `no-unused-components #/components/responses/methodNotAllowed`,
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
