import type { Remote } from "../calls.ts";
import type { ModelText } from "../model.ts";
import type { Built, BuildCalls } from "../workers/build.ts";
import type { Checked } from "../workers/check.ts";

/** What panes are shown from: a model without mistakes, as it stands. */
export interface View {
  readonly of: ModelText;
  readonly checked: Checked;
  readonly built: Built;
  readonly build: Remote<BuildCalls>;
  readonly goToLine: (line: number) => void;
  /** The line of the text where the cursor is. */
  readonly line: () => number;
}

/** A pane below the text and the picture. */
export interface Pane {
  readonly name: string;
  /** Shows the model in an empty element; again when the model changed. */
  readonly show: (host: HTMLElement, view: View) => void;
  /** Another pane is shown, or the same one anew. */
  readonly hide?: () => void;
}
