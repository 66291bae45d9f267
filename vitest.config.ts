/**
 * Which tests run where? `worker` inside workerd, beside the code; the others in Node, against the deployed bundle on
 * workerd. `npm test` runs `worker` and `node`.
 */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { compatibility, VARIABLES } from './dev/identity-worker.ts'
import { leaveShell } from './dev/wrangler.ts'

leaveShell()

/** The test runner needs Node's API, which the Worker's own flags turn off; the tests in Node run without it. */
const inWorkerd = {
  verbose: false, // what the runtime says of calls over a binding that are refused on purpose
  main: './src/index.ts',
  miniflare: {
    compatibilityDate: compatibility.compatibilityDate,
    d1Databases: ['DB'],
    bindings: VARIABLES,
  },
}

const provide = { migrations: await readD1Migrations('migrations') }

/** Tests in Node: they reach the Worker as its callers do, over a socket or a service binding. */
function inNode(name: string, include: string[], timeoutMs: number) {
  return {
    test: {
      name,
      include,
      provide,
      globalSetup: ['test/support/node/build-worker.ts'],
      isolate: false, // wrangler and miniflare are imported once, not once a file
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
    },
  } satisfies TestProjectInlineConfiguration
}

export default defineConfig({
  test: {
    maxWorkers: '100%',
    projects: [
      {
        plugins: [cloudflareTest(inWorkerd)],
        test: {
          name: 'worker',
          isolate: false, // setup.ts empties the database; a runtime for each file would cost more than its tests
          include: ['test/*.test.ts'],
          setupFiles: ['test/support/worker/setup.ts'],
          provide,
          testTimeout: 20_000,
        },
      },
      inNode(
        'node',
        [
          'test/{queries,service-binding,operations,deployed,local-stack}/**/*.test.ts',
          'examples/*/test/*.test.ts',
        ],
        60_000,
      ),
      inNode('faults', ['test/faults/**/*.test.ts'], 120_000),
      inNode('soak', ['test/faults/soak/*.soak.ts'], 6 * 60 * 60_000),
      inNode('e2e', ['test/e2e/**/*.test.ts'], 120_000),
    ],
  },
})
