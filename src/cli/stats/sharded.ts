import { optimizerOf } from "../../autodiff/train/optimizer.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import type { Sizes } from "../../plan/stats.ts";
import { completeDims, showDims } from "../../run/sizes.ts";
import { Layout, type Mesh } from "../../sharding/layout.ts";
import { deviceMemory, type DeviceMemory } from "../../sharding/memory.ts";
import { deviceTraffic, type DeviceTraffic } from "../../sharding/traffic.ts";
import type { Source } from "../../support/source.ts";
import { batchOf } from "../../train/stats.ts";
import type { Look } from "../look.ts";
import { showBytes } from "../numbers.ts";
import type { Out } from "../out.ts";
import type { ModelOptions } from "../source.ts";
import { orStop, stop } from "../stop.ts";
import { showTable } from "../table.ts";
import { loadTraining } from "../train/model.ts";

/** `8`, or `64,tensor=8`: all devices, and how many of them share layers out. */
export function parseMesh(text: string): Mesh | Problem {
  const match = /^(\d+)(?:\s*,\s*tensor[= ](\d+))?$/.exec(text.trim());
  const [devices, tensor] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 1)];
  if (match === null || devices < 1 || tensor < 1)
    return new Problem(
      "E804",
      `--shard expects devices, as in \`8\` or \`64,tensor=8\`, found ${quote(text)}`,
    );
  if (devices % tensor !== 0)
    return new Problem("E804", `--shard: ${devices} devices do not divide by tensor=${tensor}`);
  return { devices, tensor };
}

interface Sharded {
  readonly dims: Readonly<Record<string, number>>;
  readonly mesh: Mesh;
  readonly optimizer: string;
  /** As train.py computes without and with `--bf16`. */
  readonly f32: Costs;
  readonly bf16: Costs;
}

interface Costs {
  readonly memory: DeviceMemory;
  readonly traffic: DeviceTraffic;
}

/** What each device holds and receives in a training step of `lmg compile --target torch`. */
export function lookAtSharded(
  source: Source,
  options: ModelOptions,
  given: Sizes,
  mesh: Mesh,
  out: Out,
): Look {
  const { model } = loadTraining(source, options, out);
  const { train } = model;
  if (train.optimizer === undefined) stop("E804", "the train section has no optimizer", "give it one");
  const optimizer = optimizerOf(train.optimizer);
  const sizes = orStop(completeDims(train.graph.symbols, new Map([...batchOf(train), ...given])));
  const layout = new Layout(train.graph, mesh);
  requireSizes(layout);
  const local = rowsOfOne(train.graph.inputs[0]!.value.type.shape[0]?.key, sizes, layout.data);
  const costs = (width: 2 | 4): Costs => ({
    memory: deviceMemory(layout, optimizer, local, width),
    traffic: deviceTraffic(layout, local, width),
  });
  const sharded = {
    dims: Object.fromEntries(sizes),
    mesh,
    optimizer: optimizer.name,
    f32: costs(4),
    bf16: costs(2),
  };
  return { json: () => sharded, text: () => show(sharded) };
}

function requireSizes({ plans, odd, mesh }: Layout): void {
  if (mesh.tensor === 1) return;
  const found = odd.map(({ size, what }) => `${size} ${what}`);
  if (found.length > 0)
    stop(
      "E804",
      `tensor=${mesh.tensor} does not divide ${found.join(", ")}`,
      "use a number that divides all of them",
    );
  if (plans.every(({ refused }) => refused !== undefined))
    stop(
      "E804",
      "no branch of the model can be shared out",
      `\`lmg edges --shard ${mesh.tensor}\` says why; leave tensor off`,
    );
}

function rowsOfOne(symbol: string | undefined, sizes: Sizes, data: number): Sizes {
  const batch = symbol === undefined ? undefined : sizes.get(symbol);
  if (symbol === undefined || batch === undefined) return sizes;
  if (batch % data !== 0)
    stop(
      "E804",
      `a batch of ${batch} does not divide by ${data} groups of devices`,
      `give rows that do: --dims ${symbol}=${Math.ceil(batch / data) * data}`,
    );
  return new Map([...sizes, [symbol, batch / data]]);
}

function show({ dims, mesh, optimizer, f32, bf16 }: Sharded): string {
  const row = (name: string, pick: (costs: Costs) => number): string[] => [
    name,
    showBytes(pick(f32)),
    showBytes(pick(bf16)),
  ];
  const all = ({ parameters, gradients, moments, gathered }: DeviceMemory): number =>
    parameters + gradients + moments + gathered;
  const edges = ({ traffic }: Costs): number => traffic.edges.reduce((sum, { bytes }) => sum + bytes, 0);
  const memory = showTable(
    ["a device holds", "f32", "--bf16"],
    [
      row("parameters", ({ memory: { parameters } }) => parameters),
      row("gradients", ({ memory: { gradients } }) => gradients),
      row(`moments of ${optimizer}`, ({ memory: { moments } }) => moments),
      row("weights gathered", ({ memory: { gathered } }) => gathered),
      row("activations", ({ memory: { activations } }) => activations),
      row("activations with --recompute", ({ memory: { recomputed } }) => recomputed),
      row("together", (costs) => all(costs.memory) + costs.memory.activations),
      row("together with --recompute", (costs) => all(costs.memory) + costs.memory.recomputed),
    ],
    [1, 2],
  );
  const traffic = showTable(
    ["a device receives", "f32", "--bf16"],
    [
      row("weights, gathered by FSDP2", (costs) => costs.traffic.gathers),
      row("gradients, scattered by FSDP2", (costs) => costs.traffic.scatters),
      ...edgeRows(f32, bf16),
      row("together", (costs) => costs.traffic.gathers + costs.traffic.scatters + edges(costs)),
    ],
    [1, 2],
  );
  const rows = mesh.devices / mesh.tensor;
  const sharing = mesh.tensor === 1 ? "" : `, ${mesh.tensor} of which share layers out`;
  const head = `A training step on ${mesh.devices} devices${sharing}, ${rows} groups with rows of their own; ${showDims(new Map(Object.entries(dims)))} together`;
  return `${head}\n\n${memory}\n${traffic}`;
}

/** Edges of a repeat that are alike are one row. */
function edgeRows(f32: Costs, bf16: Costs): readonly string[][] {
  const found = new Map<string, { count: number; wide: number; narrow: number }>();
  for (const [at, { name, bytes }] of f32.traffic.edges.entries()) {
    const key = `${name.replace(/(^|\.)\d+(?=[. ]|$)/g, "$1*")} ${bytes}`;
    const known = found.get(key) ?? { count: 0, wide: bytes, narrow: bf16.traffic.edges[at]!.bytes };
    found.set(key, { ...known, count: known.count + 1 });
  }
  return [...found].map(([key, { count, wide, narrow }]) => {
    const name = key.slice(0, key.lastIndexOf(" "));
    const times = count === 1 ? "" : ` (${count} × ${showBytes(wide)}, ${showBytes(narrow)})`;
    return [`${name}${times}`, showBytes(count * wide), showBytes(count * narrow)];
  });
}
