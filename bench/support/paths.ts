/** Folders: the project, this one, the state of a run, the results. */
import { fileURLToPath, URL } from 'node:url'

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
export const BENCH = fileURLToPath(new URL('..', import.meta.url))
export const STATE = fileURLToPath(new URL('../.state', import.meta.url))
export const RESULTS = fileURLToPath(new URL('../results', import.meta.url))
