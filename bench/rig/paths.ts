/** Where things are: the project, this folder, and the state that a run leaves for the next one or throws away. */
import { fileURLToPath, URL } from 'node:url'

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
export const BENCH = fileURLToPath(new URL('..', import.meta.url))
export const STATE = fileURLToPath(new URL('../.state', import.meta.url))
export const RESULTS = fileURLToPath(new URL('../results', import.meta.url))
