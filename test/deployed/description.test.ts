/**
 * docs/openapi.yaml is an OpenAPI document, by a validator that compiles schemas and so cannot run in workerd.
 */
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { written } from '../support/openapi'

test('the description is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(written))
  expect(result).toEqual({ valid: true })
  expect(written['openapi']).toMatch(/^3\.1\./)
})

test('the validator sees a description without info', async () => {
  const { info: _, ...rest } = structuredClone(written)
  expect(await new Validator().validate(rest)).toMatchObject({ valid: false })
})
