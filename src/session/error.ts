/** What a session cannot do, for whoever uses it; nothing has run, and the session stays as it was. */
export class SessionError extends Error {
  override readonly name = "SessionError";
}
