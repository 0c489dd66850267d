/** What opening a pipeline and a run tell about themselves while they go on. Times are in seconds. */

/** How far a stage that is being made has come with a piece of its work. */
export interface LoadingProgress {
  /** A few words that are shown as they are, such as `checking weights`. */
  readonly work: string;
  /** Bytes that are done. */
  readonly done: number;
  /** Bytes in all; 0 where nobody knows how far it is. */
  readonly total: number;
}

/** Told while a pipeline is opened; `at` is since that began. */
export type OpenEvent =
  /** Of each stage no more than some ten a second. */
  | ({ readonly type: "loading"; readonly stage: string; readonly at: number } & LoadingProgress)
  /** The stage is made. */
  | { readonly type: "loaded"; readonly stage: string; readonly at: number };

/** Reported by a stage about its own work. */
export type StageEvent =
  | { readonly type: "step"; readonly chunk: number; readonly step: number; readonly steps: number }
  | {
    /** A prompt as it is followed from a chunk on. */
    readonly type: "prompt";
    readonly chunk: number;
    readonly text: string;
    /** Number of the chunk's first picture, where the stage knows it. */
    readonly first?: number;
  }
  | { readonly type: "bytes"; readonly bytes: number }
  /** Something that is no fault, such as why a chunk takes long. */
  | { readonly type: "note"; readonly message: string }
  | { readonly type: "warning"; readonly message: string };

/** Reported by the runner, or passed on by it with the stage's name. */
export type RunEvent =
  | ({ readonly stage: string; readonly at: number } & StageEvent)
  | {
    /** A stage gave one datum: `seconds` of its own work, waiting not counted. */
    readonly type: "chunk";
    readonly stage: string;
    readonly chunk: number;
    readonly seconds: number;
    /** Since the run began. */
    readonly at: number;
    /** Pictures (or latent frames) inside, where the datum has some. */
    readonly frames: number;
  }
  | { readonly type: "finished"; readonly stage: string; readonly at: number };
