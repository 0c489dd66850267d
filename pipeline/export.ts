/** A value that goes into a network or comes out of it. */
export interface NetworkValue {
  /** As the file names it. */
  readonly name: string;
  /** Element type, such as `float32`. */
  readonly dtype: string;
  /** Sizes of the axes; a name stands for a size that is free. */
  readonly shape: readonly (number | string)[];
}

/** A network in a file that stands alone. */
export interface ExportedNetwork {
  /** Such as `decoder`. */
  readonly name: string;
  /** The `.onnx` file. */
  readonly path: string;
  /** The file beside it that holds the weights, where they are too large to be inside. */
  readonly data?: string;
  /** Bytes of both. */
  readonly bytes: number;
  /** What it takes. */
  readonly inputs: readonly NetworkValue[];
  /** What it gives. */
  readonly outputs: readonly NetworkValue[];
}

/** The networks of a stage, exported. */
export interface StageExport {
  /** In the order they are used. */
  readonly networks: readonly ExportedNetwork[];
  /** Shape of one chunk of what the stage gives, for the next stage's networks. */
  readonly gives?: readonly number[];
}

/** What a stage exports its networks with. */
export interface ExportContext {
  /** Folder that the files go to; it is there. */
  readonly folder: string;
  /** Folder that relative paths in options start from. */
  readonly directory: string;
  /** Shape of one chunk of what the stage takes, where the stage before tells. */
  readonly takes?: readonly number[];
  /** Whether this network is wanted; the others are left out. */
  wants(name: string): boolean;
  /** Aborted: give up, leaving nothing half-written. */
  readonly signal: AbortSignal;
}
