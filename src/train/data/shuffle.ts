import { randomTable } from "../../tensor/random.ts";

/**
 * The numbers in another order (Fisher and Yates 1938, as Durstenfeld 1964 has it), a fresh array: a function of the
 * seed, the name of what is shuffled, and the round.
 */
export function shuffled(numbers: Int32Array, seed: number, name: string, round: number): Int32Array {
  const word = randomTable(seed, name);
  const order = numbers.slice();
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor((word(round, last) / 2 ** 32) * (last + 1));
    const held = order[last]!;
    order[last] = order[other]!;
    order[other] = held;
  }
  return order;
}
