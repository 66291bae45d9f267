/**
 * `npm run example`: runs the examples one after the other, or the one that is named.
 */
import { Advice } from '../dev/advice.ts'

const examples = ['console-backend', 'deletion-listener']
const [name] = process.argv.slice(3)
if (name !== undefined && !examples.includes(name)) {
  throw new Advice(`Unknown example "${name}". There are: ${examples.join(', ')}`)
}
for (const example of name === undefined ? examples : [name]) {
  await import(`./${example}/run.ts`)
}
