import { variable as pythonVariable } from "../torch/python.ts";
import { jaxHelperNames } from "./helpers.ts";

/** What emitted files call so already. */
const taken: ReadonlySet<string> = new Set(
  "jax jnp np lax optax P params p key each under stack unstack load save begin step loss model optimizer math re".split(
    " ",
  ),
);

/** A variable's name from any words. */
export function variable(words: string): string {
  const name = pythonVariable(words);
  return taken.has(name) || jaxHelperNames.has(name) ? `${name}_` : name;
}
