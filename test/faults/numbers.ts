/**
 * Numbers that a person gives on the command line.
 */
import { Advice } from '../../dev/advice.ts'

/** The options as they are, once each is a whole number above zero. */
export function checkNumbers<T extends Readonly<Record<string, string>>>(options: T): T {
  for (const [name, value] of Object.entries(options)) {
    if (!/^[1-9]\d*$/.test(value)) {
      throw new Advice(`--${name} takes a whole number above zero, not "${value}".`)
    }
  }
  return options
}
