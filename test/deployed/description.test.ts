/**
 * Is docs/openapi.yaml an OpenAPI document? By a validator that compiles schemas, which workerd does not let it do.
 */
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { description } from '../support/openapi'

test('the description is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone({ ...description }))
  expect(result).toEqual({ valid: true })
  expect(description.openapi).toMatch(/^3\.1\./)
})

test('the validator would see what is wrong', async () => {
  const { info: _, ...rest } = structuredClone({ info: {}, ...description })
  expect(await new Validator().validate(rest)).toMatchObject({ valid: false })
})
