import type { EdgeRole, Graph, Value } from "../ir/graph.ts";
import type { EdgeExplanation } from "../passes/explain.ts";
import { largest } from "../support/lists.ts";
import { showType } from "../tensor/type.ts";
import { framed } from "./bounds.ts";
import { Drawing } from "./drawing.ts";
import { Flow, linesOf, type Line } from "./flow.ts";
import type { Told } from "./joints.ts";
import { lanesOf } from "./lanes.ts";
import { Counted } from "./layers.ts";
import { LineDrawer } from "./lines.ts";
import { bracketsOf } from "./brackets.ts";
import { paint } from "./paint.ts";
import { partsOf } from "./parts.ts";
import { letters, type Label, type Mark, type Scene } from "./scene.ts";
import { widthOf } from "./widths.ts";

export interface DrawOptions {
  /** What became of each edge, and the graph after the passes: adds that share a kernel are filled, and bracketed with its norms. */
  readonly fused?: { readonly graph: Graph; readonly edges: readonly EdgeExplanation[] };
  /** Labels and names of calls whose inside is shown instead of a box. */
  readonly opened?: readonly string[];
  readonly title?: string;
}

/** Room above the lines, between two of them, and at least to each side of one. */
const HEAD = 44;
const BETWEEN = 44;
const LEAST = 64;

/** A model's picture as an SVG text that stands alone. */
export const draw = (graph: Graph, options: DrawOptions = {}): string => paint(sceneOf(graph, options));

/** The picture as marks with their places. `graph` is as it was lowered, before any pass. */
export function sceneOf(graph: Graph, { fused, opened = [], title = graph.name }: DrawOptions = {}): Scene {
  const parts = partsOf(graph, new Set(opened));
  const flow = new Flow(graph);
  const drawing = new Drawing(graph, parts);
  const drawer = new LineDrawer(drawing, flow, new Counted(graph, parts), (edge) => tell(edge, fused?.edges));
  const streams = placeStreams(graph, linesOf(graph, parts, flow), drawer);
  for (const stream of streams) drawing.add(...endsOf(graph, drawing, stream));
  const ended = new Set(streams.map(({ line }) => line.exit));
  drawing.add(...tapsOf(graph, drawing, ended), ...lanesOf(drawing, streams));
  if (fused !== undefined) drawing.add(...bracketsOf(fused.graph.nodes, drawing.marks, parts));
  drawing.add(...unnamedInputs(graph, drawing, streams.at(-1)!));
  return framed(title, drawing.marks);
}

/** A line of the whole graph in its place: where it stands, how far it reaches to its left, and between what heights. */
interface Stream {
  readonly line: Line;
  readonly x: number;
  readonly left: number;
  readonly top: number;
  readonly bottom: number;
}

/** Draws the lines side by side. */
function placeStreams(graph: Graph, lines: readonly Line[], drawer: LineDrawer): readonly Stream[] {
  let end = 0;
  return lines.map((line) => {
    const block = drawer.draw(line);
    const least = largest(
      endNames(graph, line).map((name) => halfOf(name)),
      LEAST,
    );
    const left = Math.max(block.left, least);
    const x = end + BETWEEN + left;
    block.place(x, HEAD);
    end = x + Math.max(block.right, least);
    return { line, x, left, top: HEAD, bottom: HEAD + block.height };
  });
}

/** What is written at the head and at the foot of a line. */
const endNames = ({ inputs, outputs }: Graph, { entry, exit }: Line): readonly string[] => [
  ...inputs.filter(({ value }) => value === entry).map(({ name }) => name),
  ...outputs.filter(({ value }) => value === exit).map(({ name }) => name),
];

const halfOf = (name: string): number => widthOf(name, letters.name, true) / 2;

/** The line itself, what comes in at its head, and what leaves at its foot. */
function endsOf(graph: Graph, drawing: Drawing, { line, x, top, bottom }: Stream): readonly Mark[] {
  const input = graph.inputs.find(({ value }) => value === line.entry);
  if (input !== undefined) drawing.named.add(input.value);
  const outputs = graph.outputs.filter(({ value }) => value === line.exit);
  const foot = bottom + (outputs.length > 0 ? 14 : 0);
  return [
    {
      kind: "path",
      role: "line",
      points: [
        { x, y: top - 12 },
        { x, y: foot },
      ],
    },
    ...(input === undefined ? [] : labelled(input.name, input.value, x, top - 29)),
    ...outputs.flatMap(({ name, value }, at) => labelled(name, value, x, foot + 14 + 28 * at)),
  ];
}

function tell(edge: number, edges: readonly EdgeExplanation[] | undefined): Told {
  const explained = edges?.[edge];
  if (explained === undefined) return { fate: "unknown", text: "" };
  const rows = [
    ...explained.fused.map(({ roles, into }) => `${words(roles)} fused into ${into}`),
    ...explained.refused.map(({ roles, message }) => `${words(roles)} not fused: ${message}`),
  ];
  return { fate: explained.joined ? "fused" : "alone", text: rows.join("\n") };
}

const words = (roles: readonly EdgeRole[]): string =>
  roles.map((role) => (role === "join" ? "add" : role)).join(" and ");

const labelled = (name: string, { type }: Value, x: number, y: number): readonly Label[] => [
  { kind: "label", role: "name", anchor: "middle", x, y, text: name },
  { kind: "label", role: "type", anchor: "middle", x, y: y + 13, text: showType(type) },
];

/** Outputs that are taken on the way. */
function tapsOf(graph: Graph, drawing: Drawing, ended: ReadonlySet<Value | undefined>): readonly Label[] {
  const taps = graph.outputs.filter(({ value }) => !ended.has(value));
  const seen = new Map<string, number>();
  return taps.flatMap(({ name, value }): readonly Label[] => {
    const anchor = drawing.anchorOf(value);
    if (anchor === undefined) return [];
    const place = `${anchor.x},${anchor.y}`;
    const at = seen.get(place) ?? 0;
    seen.set(place, at + 1);
    return anchor.side === "box"
      ? [
          {
            kind: "label",
            role: "name",
            anchor: "start",
            x: anchor.x + 79 + 8,
            y: anchor.y - 14 + 13 * at,
            text: `▸ ${name}`,
          },
        ]
      : [
          {
            kind: "label",
            role: "name",
            anchor: "end",
            x: anchor.x - 20,
            y: anchor.y - 4 + 13 * at,
            text: `${name} ◂`,
          },
        ];
  });
}

/** Beside the name of what comes into the last line. */
function unnamedInputs(graph: Graph, drawing: Drawing, { line, x }: Stream): readonly Label[] {
  const rest = graph.inputs.filter(({ value }) => !drawing.named.has(value)).map(({ name }) => name);
  const beside = Math.max(70, halfOf(drawing.inputName(line.entry) ?? "") + 12);
  return rest.length === 0
    ? []
    : [
        {
          kind: "label",
          role: "faint",
          anchor: "start",
          x: x + beside,
          y: 15,
          text: `and ${rest.join(", ")}`,
        },
      ];
}
