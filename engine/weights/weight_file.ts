/** What a file of weights is to everybody who uses one, whatever its format. */

import type { DType, HostTensor, Shape } from "../tensor/mod.ts";

/** Where a tensor lies in its file: dense, row by row, little-endian. */
export interface WeightEntry {
  /** Type of its elements, as stored. */
  readonly dtype: DType;
  /** Elements along each axis; empty for a single number. */
  readonly shape: Shape;
  /** The file that it lies in, where that is not the whole's `path`. */
  readonly path?: string;
  /** First byte, counted from the beginning of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /**
   * False where the tensor's bytes do not lie at `offset` as they are to be used (its elements lie apart, or
   * something is merged into them): `read` alone gives them. Default: true.
   */
  readonly inPlace?: boolean;
  /**
   * True where reading it throws for values that are not finite, so that nobody has to read it to look for them.
   * Default: false.
   */
  readonly checked?: boolean;
}

/**
 * An opened file of weights: its table of contents, and a way to the values. Holds no open handle.
 */
export interface WeightFile {
  /** As it was opened. */
  readonly path: string;
  /** Texts that the format keeps beside the tensors; empty where it has none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Every tensor by name, in the file's order. */
  readonly tensors: ReadonlyMap<string, WeightEntry>;
  /** The outermost containers that hold tensors, where the format nests them. */
  readonly groups?: readonly string[];
  /**
   * A tensor's values; throws a `WeightsError` where there is none of that name or the file ends
   * early.
   */
  read(name: string): Promise<HostTensor>;
  /** A tensor's bytes into `target`, which must have exactly the entry's length. */
  readInto(name: string, target: Uint8Array): Promise<void>;
  /**
   * Writes tensors that are made when they are read to places in another file, in several threads and without
   * holding one whole; left out where none are. Rejects with a `WeightsError` where they cannot be made, with
   * another error where they cannot be written.
   *
   * @returns the names of those that it has written: others are to be read
   */
  writeMade?(places: ReadonlyMap<string, number>, options: WriteMadeOptions): Promise<Set<string>>;
}

/** How tensors are written. */
export interface WriteMadeOptions {
  /** The file that they go into, which is there. */
  readonly path: string;
  /** Threads at most, from 1; more than 8 are 8. Default: the machine's. */
  readonly threads?: number | undefined;
  /** Aborted: it rejects with the signal's reason, when nothing is written any more. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes more have been written. */
  readonly written?: ((bytes: number) => void) | undefined;
}

/** A file of weights that cannot be used, and why. The message names the file and the tensors. */
export class WeightsError extends Error {
  /** Tells this class from others where `instanceof` cannot. */
  override readonly name = "WeightsError";
  /** The file. */
  readonly path: string;
  /** What follows the file's name in the message. */
  readonly problem: string;

  /** `problem` is what follows "cannot use the weights PATH: ". */
  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`cannot use the weights ${path}: ${problem}`, options);
    this.path = path;
    this.problem = problem;
  }
}

/** The entry of a name; throws a `WeightsError` where the file has none. */
export function entryOf(file: WeightFile, name: string): WeightEntry {
  const entry = file.tensors.get(name);
  if (entry === undefined) {
    throw new WeightsError(
      file.path,
      `there is no tensor "${name}" among its ${file.tensors.size}`,
    );
  }
  return entry;
}

/**
 * The tensors of a file whose names begin with `prefix`, under their names without it: a file of
 * the same kind, so that it can be matched, checked and read like any other.
 */
export function parameters(file: WeightFile, prefix: string): WeightFile {
  const tensors = new Map<string, WeightEntry>();
  for (const [name, entry] of file.tensors) {
    if (name.startsWith(prefix)) tensors.set(name.slice(prefix.length), entry);
  }
  return {
    path: file.path,
    metadata: file.metadata,
    tensors,
    read: (name) => file.read(prefix + name),
    readInto: (name, target) => file.readInto(prefix + name, target),
  };
}
