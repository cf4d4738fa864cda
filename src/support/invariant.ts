/** A bug of the compiler itself, never a mistake of its user. The command line exits with 2. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** States what must hold if the compiler has no bug. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (condition === false || condition === undefined || condition === null) throw new InternalError(message);
}

/** For the `default` of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InternalError(`unreachable: ${JSON.stringify(value)}`);
}
