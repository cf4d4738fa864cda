import type { Value } from "../graph.ts";
import type { Chain, Lane, LoopClass, LoopIteration, Wire } from "./rolled.ts";

/** Who reads the values that iterations make. */
export interface Readers {
  /** The iterations that read a value, but for the one that makes it. */
  readonly of: (value: Value) => readonly number[];
  /** Whether anything outside of the repeat reads it. */
  readonly isReadOutside: (value: Value) => boolean;
}

/** How values pass from iteration to iteration, if each one reads the last one's and else what is the same for all. */
export function chainOf(
  classes: readonly LoopClass[],
  iterations: readonly LoopIteration[],
  readers: Readers,
): Chain | undefined {
  if (iterations.length < 2 || !passOnlyToNext(iterations, readers)) return undefined;
  const slots = laneSlots(classes, iterations);
  if (slots === undefined) return undefined;
  const lanes = lanesOf(slots, classes, iterations, readers);
  if (lanes === undefined || !returnsLanes(lanes, iterations, readers)) return undefined;
  return wired(slots, lanes, classes, iterations);
}

/** Each value is read by the next iteration alone, and those of the last one outside alone. */
const passOnlyToNext = (iterations: readonly LoopIteration[], readers: Readers): boolean =>
  iterations.every(({ outputs }, at) =>
    outputs.every(
      (value) =>
        readers.of(value).every((reader) => reader === at + 1) &&
        (at === iterations.length - 1 || !readers.isReadOutside(value)),
    ),
  );

/** One a class: which of its inputs are carried, lane by lane. All classes carry as many. */
type LaneSlots = readonly (readonly number[])[];

function laneSlots(
  classes: readonly LoopClass[],
  iterations: readonly LoopIteration[],
): LaneSlots | undefined {
  const slots: (readonly number[] | undefined)[] = classes.map(() => undefined);
  for (const [at, iteration] of iterations.entries()) {
    const before = iterations[at - 1];
    if (before === undefined) continue;
    const carried = iteration.inputs.flatMap((value, slot) => (before.outputs.includes(value) ? [slot] : []));
    const known = slots[iteration.class];
    if (known !== undefined && known.join() !== carried.join()) return undefined;
    slots[iteration.class] = carried;
  }
  const count = slots[iterations[1]!.class]!.length;
  const [first] = iterations as [LoopIteration];
  slots[first.class] ??= firstSlots(first, iterations, count);
  return slots.every((found) => found?.length === count) && count > 0 ? (slots as LaneSlots) : undefined;
}

/** Of a first iteration that no later one is like: what none of those reads too, or its first inputs. */
function firstSlots(
  first: LoopIteration,
  iterations: readonly LoopIteration[],
  count: number,
): readonly number[] {
  const later = new Set(iterations.slice(1).flatMap(({ inputs }) => inputs));
  const own = first.inputs.flatMap((value, slot) => (later.has(value) ? [] : [slot]));
  if (own.length === count) return own;
  return count === 1 && own.length === 0 && first.inputs.length > 0 ? [0] : [];
}

function lanesOf(
  slots: LaneSlots,
  classes: readonly LoopClass[],
  iterations: readonly LoopIteration[],
  readers: Readers,
): readonly Lane[] | undefined {
  const lanes = slots[0]!.map((_, lane): Lane | undefined => {
    const outputs: (number | undefined)[] = classes.map(() => undefined);
    for (const [at, next] of iterations.entries()) {
      const before = iterations[at - 1];
      if (before === undefined) continue;
      const output = before.outputs.indexOf(next.inputs[slots[next.class]![lane]!]!);
      if ((outputs[before.class] ?? output) !== output) return undefined;
      outputs[before.class] = output;
    }
    const last = iterations.at(-1)!;
    outputs[last.class] ??= lastOutput(last, lane, slots[0]!.length, readers);
    const final = last.outputs[outputs[last.class] ?? -1];
    if (final === undefined || outputs.some((output) => output === undefined)) return undefined;
    const [first] = iterations as [LoopIteration];
    return { initial: first.inputs[slots[first.class]![lane]!]!, final, outputs: outputs as number[] };
  });
  return lanes.every((lane) => lane !== undefined) ? lanes : undefined;
}

/** Of a last iteration that no earlier one is like: what is read outside, in order, if there is as much as lanes. */
function lastOutput(
  { outputs }: LoopIteration,
  lane: number,
  count: number,
  readers: Readers,
): number | undefined {
  const read = outputs.flatMap((value, output) => (readers.isReadOutside(value) ? [output] : []));
  return read.length === count ? read[lane] : undefined;
}

/** Nothing but the lanes is read after the last iteration. */
function returnsLanes(
  lanes: readonly Lane[],
  iterations: readonly LoopIteration[],
  readers: Readers,
): boolean {
  const finals = new Set(lanes.map(({ final }) => final));
  return iterations.at(-1)!.outputs.every((value) => finals.has(value) || !readers.isReadOutside(value));
}

function wired(
  slots: LaneSlots,
  lanes: readonly Lane[],
  classes: readonly LoopClass[],
  iterations: readonly LoopIteration[],
): Chain | undefined {
  const invariants: Value[] = [];
  const wiring = classes.map(({ inputs }, number): readonly Wire[] | undefined => {
    const members = iterations.filter((iteration) => iteration.class === number);
    const wires = inputs.map((_, slot): Wire | undefined => {
      const lane = slots[number]!.indexOf(slot);
      if (lane >= 0) return { lane };
      const [value, ...others] = new Set(members.map((member) => member.inputs[slot]!));
      if (value === undefined || others.length > 0) return undefined;
      if (!invariants.includes(value)) invariants.push(value);
      return { invariant: invariants.indexOf(value) };
    });
    return wires.every((wire) => wire !== undefined) ? wires : undefined;
  });
  if (!wiring.every((wires) => wires !== undefined)) return undefined;
  return { lanes, invariants, wiring };
}
