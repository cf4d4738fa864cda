import type { DispatchReport } from "../../emit/wgsl/fit.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Sizes } from "../../plan/stats.ts";
import { plural } from "../../support/text.ts";
import { showDims } from "../../run/sizes.ts";
import { showBytes } from "../numbers.ts";
import type { Look } from "../look.ts";
import { showTable } from "../table.ts";

/** The dispatches of the first plan, and a line of totals for each. */
export function lookAtDispatches(
  plans: Readonly<Record<string, Plan>>,
  sizes: Sizes,
  reportOf: (plan: Plan) => DispatchReport,
): Look {
  const reports = Object.entries(plans).map(([name, plan]) => ({
    name,
    report: reportOf(plan),
  }));
  const totals = ({ name, report }: (typeof reports)[number]): string =>
    `${name}: ${showTotals(report)}${sizes.size === 0 ? "" : ` with ${showDims(sizes)}`}\n`;
  return {
    json: () => {
      const entries = reports.map(({ name, report }) => [
        name,
        { ...report, bytesMoved: bytesMoved(report) },
      ]);
      return { dims: Object.fromEntries(sizes), ...(Object.fromEntries(entries) as object) };
    },
    text: () => `${showDispatches(reports[0]!.report)}\n${reports.map(totals).join("")}`,
  };
}

const bytesMoved = ({ dispatches }: DispatchReport): number =>
  dispatches.reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0);

function showDispatches({ dispatches }: DispatchReport): string {
  const rows = dispatches.map(({ kernel, workgroups, bytesRead, bytesWritten, place }, index) => [
    String(index + 1),
    kernel,
    workgroups.join(" × "),
    showBytes(bytesRead),
    showBytes(bytesWritten),
    place,
  ]);
  return showTable(["", "kernel", "workgroups", "read", "written", "step"], rows, [0, 2, 3, 4]);
}

const showTotals = (report: DispatchReport): string =>
  `${report.dispatches.length} dispatches of ${plural(report.kernels, "kernel")}, ` +
  `${showBytes(bytesMoved(report))} read and written, ${showBytes(report.runBytes)} of memory for a run`;
