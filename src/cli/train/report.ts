import { describeRun, type ReportedRun } from "../../report/run.ts";

/** report.html of a run. The plot library is loaded here only. */
export async function reportOf(run: ReportedRun): Promise<string> {
  const { trainingReport } = await import("../../report/training.ts");
  return trainingReport(describeRun(run));
}
