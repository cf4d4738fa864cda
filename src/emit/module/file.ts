/** A file that a target writes; its path is in the folder that the caller chooses. */
export interface EmittedFile {
  readonly path: string;
  readonly text: string;
}
