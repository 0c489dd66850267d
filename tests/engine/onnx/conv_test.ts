import { conv, Graph } from "../../../engine/onnx/mod.ts";
import { assertClose } from "../../_golden.ts";
import { runGraph } from "../../_run_graph.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

const [HEIGHT, WIDTH] = [5, 7];

/** A convolution of one picture by its definition, zeros around it. */
function plainly(
  x: Float32Array,
  w: Float32Array,
  [channels, out, kernel]: readonly [number, number, number],
): Float32Array {
  const reach = (kernel - 1) / 2;
  const result = new Float32Array(out * HEIGHT * WIDTH);
  for (let place = 0; place < result.length; place++) {
    const [o, row, column] = [
      Math.floor(place / HEIGHT / WIDTH),
      Math.floor(place / WIDTH) % HEIGHT,
      place % WIDTH,
    ];
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
          const [y, z] = [row + dy, column + dx];
          if (y < 0 || y >= HEIGHT || z < 0 || z >= WIDTH) continue;
          const tap = ((o * channels + c) * kernel + dy + reach) * kernel + dx + reach;
          sum += x[(c * HEIGHT + y) * WIDTH + z]! * w[tap]!;
        }
      }
    }
    result[place] = sum;
  }
  return result;
}

/** Channels in threes, in fours and in neither, each with outputs in fours and not. */
const SIZES = [3, 4, 5, 6, 9, 12, 15, 18].flatMap((channels) =>
  [[channels, 8, 3], [channels, 6, 3], [channels, 8, 1]] as const
);

async function check(device: string): Promise<void> {
  for (const size of SIZES) {
    const [channels, out, kernel] = size;
    const x = Float32Array.from({ length: channels * HEIGHT * WIDTH }, (_, i) => Math.cos(1.3 * i));
    const w = Float32Array.from({ length: out * channels * kernel ** 2 }, (_, i) => Math.sin(i));
    const graph = new Graph("conv");
    const input = graph.input("x", "float32", [1, channels, HEIGHT, WIDTH]);
    const weight = graph.constant("float32", [out, channels, kernel, kernel], w);
    graph.output("y", conv(input, weight, undefined, { padding: (kernel - 1) / 2 }));
    const { y } = await runGraph(graph, { x }, { device });
    assertClose(y as Float32Array, plainly(x, w, size), 1e-4, `channels, out, kernel ${size}`);
  }
}

Deno.test("conv() is the sum over channels and taps, whatever the number of channels", () =>
  check("cpu"));

Deno.test({
  name: "conv() is that on webgpu too",
  ignore: !await webgpuIsHere(),
  fn: () => check("webgpu"),
});
