import { button, make, prose } from "./dom.ts";
import type { Range } from "./model.ts";
import type { Change, ShownProblem } from "./workers/check.ts";

export interface ProblemEvents {
  readonly goTo: (range: Range) => void;
  readonly mend: (changes: readonly Change[]) => void;
}

/** The mistakes below the text: for who cannot hover, and those of settings, which stand nowhere in it. */
export function showProblems(
  host: HTMLElement,
  problems: readonly ShownProblem[],
  events: ProblemEvents,
): void {
  host.hidden = problems.length === 0;
  host.replaceChildren(...problems.map((problem) => problemRow(problem, events)));
}

function problemRow(
  { severity, message, help, range, line, code, fixes }: ShownProblem,
  events: ProblemEvents,
) {
  const go = (): void => {
    if (range !== undefined) events.goTo(range);
  };
  const head = line === undefined ? `setting` : `line ${line}`;
  return make(
    "li",
    { class: severity },
    ...(range === undefined
      ? [make("span", { class: "where" }, head)]
      : [button(head, go, { class: "where" })]),
    make("p", {}, ...prose(message), " ", make("small", {}, code)),
    ...(help === undefined ? [] : [make("p", { class: "help" }, ...prose(help))]),
    ...fixes.map(({ title, changes }) =>
      button(title.replaceAll("`", ""), () => {
        events.mend(changes);
      }),
    ),
  );
}
