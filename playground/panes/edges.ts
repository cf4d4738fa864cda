import { button, make } from "../dom.ts";
import type { ShownEdge } from "../workers/edges.ts";
import type { Pane } from "./pane.ts";

/** Each residual edge: what it computes, what it was fused into, or why it was not. */
export const edgesPane: Pane = {
  name: "Edges",
  show(host, { built, goToLine }) {
    if (built.edges.length === 0) {
      host.append(
        make("p", { class: "empty" }, "The model has no residual edge: `residual { … }` makes one."),
      );
      return;
    }
    const isRefused = built.edges.some(({ refused }) => refused !== "");
    const heads = ["edge", "computes", "fused", ...(isRefused ? ["not fused, and why"] : [])];
    const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
    const rows = built.edges.map((edge) => rowOf(edge, goToLine, isRefused));
    host.append(
      make(
        "div",
        { class: "wide", tabindex: 0, role: "region", "aria-label": "residual edges" },
        make("table", { class: "edges" }, make("thead", {}, head), make("tbody", {}, ...rows)),
      ),
    );
  },
};

function rowOf(
  { line, name, repeats, formula, norms, gains, fused, refused }: ShownEdge,
  goToLine: (line: number) => void,
  isRefused: boolean,
) {
  const where = button(
    name,
    () => {
      goToLine(Number(line));
    },
    { class: "link", title: `line ${line}` },
  );
  return make(
    "tr",
    {},
    make("td", {}, where, ...(repeats === "" ? [] : [" ", make("small", {}, repeats)])),
    make(
      "td",
      {},
      make("code", {}, formula),
      ...aside([norms, gains].filter((text) => text !== "").join("; ")),
    ),
    make("td", {}, ...linesOf(fused, "✓ ")),
    ...(isRefused ? [make("td", {}, ...linesOf(refused, "✗ "))] : []),
  );
}

const aside = (text: string): readonly Node[] => (text === "" ? [] : [make("br"), make("small", {}, text)]);

/** A mark before each line says what its colour says. */
const linesOf = (text: string, mark: string): readonly Node[] =>
  text === ""
    ? []
    : text
        .split("\n")
        .map((line) =>
          make(
            "p",
            {},
            make("span", { class: mark === "✓ " ? "good" : "bad", "aria-hidden": "true" }, mark),
            line,
          ),
        );
