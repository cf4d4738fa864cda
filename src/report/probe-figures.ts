import type { EdgeLines } from "../autodiff/theory.ts";
import type { EdgeSizes, Probed, ProbedCase, ProbedEdge, ProbedTraining } from "../run/probe/probed.ts";
import { plural } from "../support/text.ts";
import { smooth, thin } from "./curves.ts";
import { commonDomain, withCommonY, type Figure, type Point, type Series } from "./figure.ts";
import { caseName, endedEarly, lineWords } from "./probed.ts";

/** Points that a curve of a figure has at most. */
const detail = 400;

interface Trained {
  readonly name: string;
  readonly tone: number;
  readonly training: ProbedTraining;
}

/**
 * Loss and gradient norm over the steps, all variants beside each other; none if nothing was trained. The scale is that of
 * the variants that came to the end: one that grew beyond all bounds would leave nothing to see of the others.
 */
export function trainingFigures({ cases }: Probed): readonly Figure[] {
  const isOneDepth = new Set(cases.map(({ depth }) => depth)).size === 1;
  const trained = cases.flatMap((probed, tone): Trained[] => {
    const name = isOneDepth && probed.variant !== "" ? probed.variant : caseName(probed);
    return probed.training === undefined ? [] : [{ name, training: probed.training, tone }];
  });
  if (trained.length === 0) return [];
  const note = trained.filter(({ training }) => endedEarly(training)).map(describeEnd);
  const figures: readonly (readonly ["losses" | "gradientNorms", Omit<Figure, "series">])[] = [
    ["losses", { title: "Training loss, smoothed", x: { label: "step" }, y: { label: "loss" } }],
    [
      "gradientNorms",
      {
        title: "Gradient norm while training",
        x: { label: "step" },
        y: { label: "of all parameters, smoothed, log scale", scale: "log" },
      },
    ],
  ];
  return figures.map(([values, figure]) => ({
    ...onScaleOfFinished(figure, trained, values),
    ...(note.length === 0 ? {} : { note: note.join("; ") }),
  }));
}

const describeEnd = ({ name, training }: Trained): string =>
  `† ${name}: NaN or infinity after ${plural(training.losses.length, "step")}`;

function onScaleOfFinished(
  figure: Omit<Figure, "series">,
  trained: readonly Trained[],
  values: "losses" | "gradientNorms",
): Figure {
  const seriesOf = ({ name, tone, training }: Trained): Series => ({
    label: name + (endedEarly(training) ? " †" : ""),
    tone,
    style: "line",
    points: thin(smooth(numbered(training[values]), training.steps / 30), detail),
  });
  const finished = trained.filter(({ training }) => !endedEarly(training)).map(seriesOf);
  const domain = commonDomain([{ ...figure, series: finished }], "y");
  if (domain === undefined) return { ...figure, series: trained.map(seriesOf) };
  const series = trained.map(seriesOf).map((one) => ({
    ...one,
    points: one.points.map(({ x, y }) => ({ x, y: y >= domain[0] && y <= domain[1] ? y : NaN })),
  }));
  return { ...figure, y: { ...figure.y, domain }, series };
}

const numbered = (values: readonly number[]): readonly Point[] => values.map((y, x) => ({ x: x + 1, y }));

/** Which of the measures a figure shows, and how. */
interface View {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly pointsOf: (edges: readonly PlacedSizes[]) => readonly Point[];
}

/** What was measured at an edge, and what a reader is told who points at it. */
interface PlacedSizes extends EdgeSizes {
  readonly at: string;
}

/** `h.0 edge 1, line 54` */
const placeOf = ({ name, line }: ProbedEdge): string => (line === undefined ? name : `${name}, line ${line}`);

const sizesOf = (edges: readonly ProbedEdge[], when: "before" | "after"): readonly PlacedSizes[] =>
  edges.flatMap((edge) => {
    const sizes = edge[when];
    return sizes === undefined ? [] : [{ ...sizes, at: placeOf(edge) }];
  });

const activationView: View = {
  title: "Activations by depth",
  x: "residual edges passed",
  y: "RMS of the stream, log scale",
  pointsOf: (edges) => edges.map(({ activation, at }, index) => ({ x: index + 1, y: activation, at })),
};

/** From the last edge, where gradients come in, back to the first. */
const gradientView: View = {
  title: "Gradients by depth",
  x: "residual edges back from the last",
  y: "gradient norm of the stream / at the last edge",
  pointsOf: (edges) => {
    const last = edges.at(-1)?.gradient ?? 1;
    return edges
      .map(({ gradient, at }, index) => ({ x: edges.length - 1 - index, y: gradient / last, at }))
      .reverse();
  },
};

const axesOf = ({ x, y }: View): Pick<Figure, "x" | "y"> => ({
  x: { label: x, whole: true },
  y: { label: y, scale: "log" },
});

/** Activations and gradients at initialization: one pair of figures a depth, a curve a variant. */
export function overviewFigures({ cases }: Probed): readonly Figure[] {
  const depths = [...new Set(cases.map(({ depth }) => depth))];
  return depths.flatMap((depth) =>
    [activationView, gradientView].map((view) => ({
      title: `${view.title}${depths.length > 1 && depth !== undefined ? `, depth ${depth}` : ""}, at initialization`,
      ...axesOf(view),
      series: cases.flatMap((probed, index): Series[] =>
        probed.depth === depth
          ? [curve(view, probed.variant, toneOf(cases, index), "line", sizesOf(probed.edges, "before"))]
          : [],
      ),
    })),
  );
}

/** A variant keeps its colour whatever its depth. */
function toneOf(cases: readonly ProbedCase[], index: number): number {
  const variants = [...new Set(cases.map(({ variant }) => variant))];
  return variants.indexOf(cases[index]!.variant);
}

const curve = (
  view: View,
  label: string,
  tone: Series["tone"],
  style: Series["style"],
  edges: readonly PlacedSizes[],
): Series => ({ label, tone, style, points: view.pointsOf(edges) });

/**
 * One figure a variant: what was measured at each depth, the lines of theory beside it (dashed), and what was measured after
 * training. All are on one scale but those of variants that grew beyond all bounds, which
 * would leave nothing to see of the others.
 */
export const variantFigures = ({ cases }: Probed, which: "activation" | "gradient"): readonly Figure[] => {
  const view = which === "activation" ? activationView : gradientView;
  const drawn = variantsOf(cases).map(([variant, found]) => {
    const isBounded = !found.some(({ training }) => training !== undefined && endedEarly(training));
    const figure: Figure = {
      title: variant === "" ? view.title : variant,
      note: found[0]!.form + (isBounded ? "" : ", on a scale of its own"),
      ...axesOf(view),
      series: found.flatMap((probed, index) => caseSeries(view, probed, index, found.length)),
    };
    return { figure, isBounded };
  });
  const common = withCommonY(drawn.flatMap(({ figure, isBounded }) => (isBounded ? [figure] : [])));
  const alone = drawn.flatMap(({ figure, isBounded }) => (isBounded ? [] : [figure]));
  return [...common, ...alone];
};

/** The cases of each variant, its depths. */
function variantsOf(
  cases: readonly ProbedCase[],
): readonly (readonly [variant: string, cases: readonly ProbedCase[]])[] {
  const variants = new Map<string, ProbedCase[]>();
  for (const found of cases) {
    const others = variants.get(found.variant);
    if (others === undefined) variants.set(found.variant, [found]);
    else others.push(found);
  }
  return [...variants];
}

function caseSeries(view: View, probed: ProbedCase, index: number, count: number): readonly Series[] {
  const { edges, depth, training } = probed;
  const name = count > 1 && depth !== undefined ? `${depth}` : "";
  const [before, after] = [sizesOf(edges, "before"), sizesOf(edges, "after")];
  /** Divided as what is measured is; it breaks where it has no point. */
  const lineOf = (line: keyof EdgeLines): Series => {
    const measured = view.pointsOf(before);
    const valueOf = ({ lines }: ProbedEdge): number => (typeof lines[line] === "number" ? lines[line] : NaN);
    const scale = view === gradientView ? (edges.at(-1)?.before.gradient ?? 1) : 1;
    const values = edges.map((edge) => valueOf(edge) / scale);
    const inOrder = view === gradientView ? values.reverse() : values;
    return {
      label: "",
      tone: "plain",
      style: "dashed",
      points: measured.map(({ x, at }, index) => ({
        x,
        y: inOrder[index]!,
        at: `${at}: ${lineWords[line]}`,
      })),
    };
  };
  return [
    ...(view === gradientView ? [lineOf("carried"), lineOf("alike")] : [lineOf("uncorrelated")]),
    curve(view, training === undefined ? name : "at first", index, "dotted", before),
    ...(after.length === 0 ? [] : [curve(view, "after", index + count, "dotted", after)]),
  ];
}
