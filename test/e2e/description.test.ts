/**
 * docs/openapi.yaml under a strict linter. The two exceptions are facts of this API: OPTIONS cannot fail with 4xx, and
 * no operation has the response to methods that are not described.
 */
import { expect, test } from 'vitest'
import { runTool } from './support/tools'

const PATH = '#/paths/~1api~1v1~1organizations~1{organizationID}~1users~1{userID}'

const exceptions = [
  `no-unused-components #/components/responses/methodNotAllowed`,
  `operation-4xx-response ${PATH}/options/responses`,
]

test('breaks no further rule of Redocly', async () => {
  const rules = ['--extends', 'recommended-strict', '--format', 'json']
  const { output } = await runTool('redocly', ['lint', 'docs/openapi.yaml', ...rules])
  const report = output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)
  const { problems } = JSON.parse(report) as {
    problems: { ruleId: string; location: { pointer: string }[] }[]
  }
  const found = problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer}`)
  expect(found.toSorted()).toEqual(exceptions.toSorted())
})
