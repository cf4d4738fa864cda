import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, the longest first; what is missing here begins later, and costs no more than that. */
const longest = [
  "incremental/webgpu",
  "differential/differential",
  "families/library",
  "emit/names/names",
  "cli/train-interrupted",
  "package",
  "emit/wgsl/kernels",
  "emit/ops",
  "cli/digits",
  "emit/packed",
  "run/picks",
  "emit/ieee",
  "families/goldens",
  "ops/adding",
  "emit/wgsl/training",
  "page/vite",
  "browser/webassembly",
  "emit/wasm/attention",
];

/** Begins with the files that take longest, so that all processes end together; then the larger ones, as vitest does. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return found < 0 ? longest.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}
