/** What is measured: parts with their times, and what they ask of the machine. */

import type { Device } from "../engine/runtime/mod.ts";
import type { WanBenchOptions } from "./_wan_options.ts";
import type { RandomTensors } from "./_wan_random.ts";
import type { Work } from "./_flops.ts";

/** One row of the table. */
export interface MeasuredPart extends Work {
  readonly name: string;
  /** Median milliseconds. */
  readonly ms: number;
  /** Latent frames in the cache, of the parts that depend on it. */
  readonly fill?: number;
  /** Pictures that come out, of the parts that give some. */
  readonly pictures?: number;
  /** Whether the device that runs networks is not used. */
  readonly host?: true;
}

/** What takes memory on the device. */
export interface MemoryRow {
  readonly name: string;
  readonly bytes: number;
  /** Whether it is reckoned from the graph and not what was asked for. */
  readonly planned?: true;
}

/** What parts are measured with. */
export interface Bench {
  readonly device: Device;
  readonly tensors: RandomTensors;
  readonly options: WanBenchOptions;
  readonly attention: "fused" | "composed";
  readonly parts: MeasuredPart[];
  readonly memory: MemoryRow[];
  /** Sentences to be printed below the table of memory. */
  readonly notes: string[];
}

/** Takes up what was measured, and says so beside the output: a large configuration takes a while. */
export function measured({ parts }: Bench, ...more: readonly MeasuredPart[]): void {
  for (const part of more) {
    parts.push(part);
    console.error(`${nameOf(part)}: ${part.ms.toPrecision(4)} ms`);
  }
}

/** `denoise, 21 frames`. */
export function nameOf({ name, fill }: Pick<MeasuredPart, "name" | "fill">): string {
  return fill === undefined ? name : `${name}, ${fill} frames`;
}
