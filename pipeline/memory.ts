/** What some memory is for. */
export interface MemoryPart {
  /** Such as `weights`, `key-value cache`. */
  readonly name: string;
  /** Bytes while the pipeline runs. */
  readonly bytes: number;
  /** How it comes to that, in a few words. */
  readonly detail?: string;
  /** Where it is held, if not where the stage computes. */
  readonly device?: string;
  /** Whether it is a guess. */
  readonly estimated?: boolean;
  /** Whether it is held only while the stage is loaded or makes a datum, and freed before that goes on. */
  readonly passing?: boolean;
}

/** What a stage will hold, told without loading anything. */
export interface StageMemory {
  /** What it holds. */
  readonly parts: readonly MemoryPart[];
  /** Where the stage computes, if not on the pipeline's device. */
  readonly device?: string;
  /** Shape of one chunk of what the stage gives, for the next stage to reckon with. */
  readonly gives?: readonly number[];
}

/** What a stage reckons with. */
export interface MemoryContext {
  /** The pipeline's device. */
  readonly device: string;
  /** Folder that relative paths in options start from. */
  readonly directory: string;
  /** Shape of one chunk of what the stage takes, where the stage before tells. */
  readonly takes?: readonly number[];
}
