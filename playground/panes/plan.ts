import { showBytes, showScaled, plural } from "../../src/support/text.ts";
import { largest } from "../../src/support/lists.ts";
import { make } from "../dom.ts";
import { draw } from "../svg.ts";
import type { ShownPlan, ShownStep } from "../workers/plan.ts";
import type { Pane } from "./pane.ts";

/** Pixels: of the highest slot, of the least, between two, and of the bars of bytes. */
const [HIGHEST, LEAST, BETWEEN, BARS] = [44, 5, 2, 64];

/** Memory over the steps of a run: a row a slot, as high as its bytes, a bar a tensor; below the bytes that each step moves. */
export const planPane: Pane = {
  name: "Plan",
  show(host, { built: { plan }, goToLine }) {
    const { totals } = plan;
    const facts: readonly (readonly [string, string])[] = [
      ["steps", String(totals.steps)],
      ["memory of a run", showBytes(totals.arenaBytes)],
      ["without reuse", showBytes(totals.arenaBytesWithoutReuse)],
      ["moved by a run", showBytes(totals.bytesMoved)],
      ["computed", `${showScaled(totals.flops)}FLOP`],
      ["weights", showBytes(totals.weightBytes)],
    ];
    const told = make(
      "p",
      { class: "told", "aria-live": "off" },
      "Point at a tensor or a step; a click leads to its line.",
    );
    const picture = drawPlan(plan, Math.max(320, host.clientWidth - 32));
    picture.addEventListener("pointerover", ({ target }) => {
      const about = (target as Element).getAttribute("data-about");
      if (about !== null) told.textContent = about;
    });
    picture.addEventListener("click", ({ target }) => {
      const line = Number((target as Element).getAttribute("data-line"));
      if (line > 0) goToLine(line);
    });
    host.append(
      make(
        "dl",
        { class: "facts" },
        ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
      ),
      make(
        "p",
        { class: "about" },
        `${plural(plan.slots.length, "slot")} of memory over the steps of a run, for ${plan.sizes}. Below, the bytes that each step moves: blue where one kernel computes several ops.`,
      ),
      picture,
      told,
    );
  },
};

function drawPlan({ steps, slots }: ShownPlan, width: number): SVGElement {
  const across = width / Math.max(1, steps.length);
  const most = largest(
    slots.map(({ bytes }) => bytes),
    1,
  );
  let top = 0;
  const tensors = slots.flatMap(({ bytes, uses }, slot) => {
    const height = Math.max(LEAST, (bytes / most) * HIGHEST);
    const row = uses.map(({ name, first, last, bytes: size }) => {
      const step = steps[first]!;
      const of = step.line > 0 ? `, line ${step.line}` : "";
      return draw("rect", {
        class: `tone-${slot % 6}`,
        x: first * across,
        y: top,
        width: Math.max(1, (last - first + 1) * across - 1),
        height: height - 1,
        rx: 1.5,
        "data-line": step.line,
        "data-about": `slot ${slot}: ${name}, ${showBytes(size)}, from step ${first} to ${last}${of}`,
      });
    });
    top += height + BETWEEN;
    return row;
  });
  const bottom = top + 14 + BARS;
  const highest = largest(
    steps.map(({ bytes }) => bytes),
    1,
  );
  const bars = steps.map((step, index) => {
    const height = Math.max(1, (step.bytes / highest) * BARS);
    return draw("rect", {
      class: step.fused.length > 0 ? "bar joined" : "bar",
      x: index * across,
      y: bottom - height,
      width: Math.max(1, across - 1),
      height,
      "data-line": step.line,
      "data-about": aboutStep(step, index),
    });
  });
  const label = `${plural(slots.length, "slot")} of memory over ${plural(steps.length, "step")}, and the bytes that each step moves`;
  return draw(
    "svg",
    {
      class: "plan",
      role: "img",
      "aria-label": label,
      viewBox: `0 0 ${width} ${bottom}`,
      width,
      height: bottom,
    },
    ...tensors,
    ...bars,
  );
}

function aboutStep({ op, label, fused, line, bytes, flops }: ShownStep, index: number): string {
  const of = [label, fused.length > 0 ? `(${fused.join(" + ")})` : ""]
    .filter((text) => text !== "")
    .join(" ");
  return `step ${index}: ${op} ${of}${line > 0 ? `, line ${line}` : ""}; ${showBytes(bytes)}, ${showScaled(flops)}FLOP`;
}
