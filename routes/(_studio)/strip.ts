/** Geometry of the strip of chunks: a column a chunk, stacked by stage. */
import type { ChunkView } from "../../server/wire.ts";

/** A stage's part of a chunk's column. */
export interface StripPart {
  readonly stage: string;
  readonly seconds: number;
  /** From the top, in the units of the height. */
  readonly y: number;
  readonly height: number;
}

/** A chunk's column. */
export interface StripColumn {
  readonly index: number;
  readonly frames: number;
  readonly seconds: number;
  /** From the left, percent. */
  readonly x: number;
  /** Percent. */
  readonly width: number;
  /** From the bottom up in the order of the stages. */
  readonly parts: readonly StripPart[];
}

/** What the strip shows. */
export interface Strip {
  readonly columns: readonly StripColumn[];
  /** Seconds that the full height stands for. */
  readonly scale: number;
  /** Places for columns, of chunks that are still to come too. */
  readonly places: number;
}

/** How to lay out. */
export interface StripOptions {
  /** In the order of the pipeline. */
  readonly stages: readonly string[];
  /** Chunks there will be, if that is known. */
  readonly total?: number | null;
  readonly height: number;
  /** Columns at most; the newest are shown. */
  readonly most?: number;
}

/** Columns at least, so that a single chunk is no wall. */
const FEWEST = 7;

/** Gap between columns, as a share of a column's place. */
const GAP = 0.25;

/** Seconds of all stages. */
export function chunkSeconds(chunk: ChunkView): number {
  return Object.values(chunk.stages).reduce((sum, each) => sum + each, 0);
}

/** Lays out the newest chunks. */
export function layOutStrip(
  chunks: readonly ChunkView[],
  { stages, total = null, height, most = 48 }: StripOptions,
): Strip {
  const shown = chunks.slice(-most);
  const places = Math.min(most, Math.max(total ?? shown.length, shown.length, FEWEST));
  const scale = roundUp(Math.max(...shown.map(chunkSeconds), 0.001));
  const place = 100 / places;
  const columns = shown.map((chunk, i): StripColumn => {
    let bottom = height;
    const parts = stages.flatMap((stage): StripPart[] => {
      const seconds = chunk.stages[stage];
      if (seconds === undefined || seconds <= 0) return [];
      const part = seconds / scale * height;
      // Sums of many parts miss the top by rounding.
      return [{ stage, seconds, y: bottom = Math.max(0, bottom - part), height: part }];
    });
    const { index, frames } = chunk;
    const width = place * (1 - GAP);
    return {
      index,
      frames,
      seconds: chunkSeconds(chunk),
      x: i * place + place * GAP / 2,
      width,
      parts,
    };
  });
  return { columns, scale, places };
}

/** The next of 1, 1.5, 2, 3, 5, 7, 10 …: a scale that does not change with every chunk. */
export function roundUp(seconds: number): number {
  const power = 10 ** Math.floor(Math.log10(seconds));
  const step = [1, 1.5, 2, 3, 5, 7, 10].find((each) => each * power >= seconds * (1 - 1e-9)) ?? 10;
  // 0.1 rather than 0.1000…01.
  return Number((step * power).toPrecision(2));
}

/** Each stage's share of the work of all, 0 … 1. */
export function stageShares(
  stages: readonly { readonly stage: string; readonly seconds: number }[],
): { readonly stage: string; readonly seconds: number; readonly share: number }[] {
  const sum = stages.reduce((all, { seconds }) => all + seconds, 0);
  return stages.map(({ stage, seconds }) => ({
    stage,
    seconds,
    share: sum > 0 ? seconds / sum : 0,
  }));
}
