/** The shape of a Worker's default export that the wrappers can stand around. */

export interface Bindings {
  readonly DB: D1Database
}

export interface Handler {
  fetch(request: Request, env: Bindings, context: ExecutionContext): Response | Promise<Response>
}

/** The environment with another database in it; one object an isolate, as the runtime gives one object an isolate. */
export function replaceDatabase<E extends Bindings>(env: E, database: D1Database): E {
  return { ...env, DB: database }
}
