/**
 * How far float16 graphs are from the reference's float32, network by network: every float16 value rounded, sums inside
 * an operator in float32, as CUDA's kernels do it. Pictures' PSNR is that of their values.
 *
 *     deno run -A bench/float16.bench.ts [name …]
 */

import { float16Cases } from "../tests/float16/_cases.ts";
import { errorOf } from "../tests/float16/_compare.ts";
import { heading, table } from "./_bench.ts";

if (import.meta.main) {
  heading("float16 with float32 islands against the reference");
  const rows: string[][] = [];
  const wanted = float16Cases.filter(({ name }) =>
    Deno.args.length === 0 || Deno.args.some((word) => name.includes(word))
  );
  for (const { name, range, run } of wanted) {
    const { magnitude, largest, mean, psnr } = errorOf(await run("float16"), range);
    rows.push([
      name,
      magnitude.toPrecision(3),
      largest.toExponential(1),
      mean.toExponential(1),
      `${(100 * largest / magnitude).toFixed(2)}%`,
      psnr === undefined ? "" : psnr.toFixed(1),
    ]);
  }
  table(["network", "largest value", "largest error", "mean error", "share", "PSNR (dB)"], rows);
}
