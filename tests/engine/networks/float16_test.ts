/** Float16 graphs: what they are made of, and how far they are from the reference. */

import { assert, assertEquals } from "@std/assert";
import {
  causalWan,
  type Precision,
  taehvDecoder,
  taew2_1,
  umt5Encoder,
  umt5Xxl,
  wan2_1_1_3b,
  wan2_1_vae,
  wanContext,
  wanVaeDecoder,
} from "../../../engine/networks/mod.ts";
import { add, cast, Graph, linear, mul } from "../../../engine/onnx/mod.ts";
import type { TensorData } from "../../../engine/tensor/mod.ts";
import { float16Cases } from "../../float16/_cases.ts";
import { umt5Sizes } from "../../_golden.ts";
import { errorOf } from "../../float16/_compare.ts";
import { assertClose, Golden } from "../../_golden.ts";
import { rounding } from "../../_rounding.ts";
import { runGraph } from "../../_run_graph.ts";

Deno.test("rounding() makes float16 of the CPU's float32", async () => {
  const graph = new Graph("sum", "float16");
  const sum = add(cast(graph.input("x", "float32", [4]), "float16"), 1);
  graph.output("y", cast(mul(sum, sum), "float32"));
  const x = new Float32Array([1.0001, 2049.3, 0.1, 3.3333]);
  const { y } = await runGraph(graph, { x }, { wrap: rounding });
  const half = Float16Array.from(Float16Array.from(x), (value) => value + 1);
  assertEquals(
    [...y as Float32Array],
    [...half].map((value) => Math.f16round(value * value)),
  );
});

for (const { name, bound, range, psnr = 0, run } of float16Cases) {
  Deno.test(`float16 against the reference: ${name}`, async () => {
    const error = errorOf(await run("float16"), range);
    const share = error.largest / error.magnitude;
    assert(share <= bound, `expected at most ${bound} of the largest value, got ${share}`);
    assert((error.psnr ?? psnr) >= psnr, `expected at least ${psnr} dB, got ${error.psnr}`);
    // Less than that would not be 16 bits.
    assert(share > 1e-4, `expected the error of 16 bits, got ${share}`);
  });
}

/** A graph in both types. */
function both(build: (dtype: Precision) => Graph): readonly [wide: Graph, narrow: Graph] {
  return [build("float32"), build("float16")];
}

const chunk = { frames: 3, height: 60, width: 104 };
const networks = {
  causalWan: both((dtype) => causalWan(wan2_1_1_3b, chunk, { dtype })),
  "causalWan, a timestep each frame": both((dtype) =>
    causalWan(wan2_1_1_3b, chunk, { dtype, timePerFrame: true, attention: "composed" })
  ),
  wanContext: both((dtype) => wanContext(wan2_1_1_3b, { dtype })),
  umt5Encoder: both((dtype) => umt5Encoder(umt5Xxl, { dtype })),
  taehvDecoder: both((dtype) => taehvDecoder(taew2_1, chunk, "rgb", { dtype }).graph),
  wanVaeDecoder: both((dtype) =>
    wanVaeDecoder(wan2_1_vae, { ...chunk, frames: 1 }, { part: "next", dtype }).graph
  ),
};

for (const [name, [wide, narrow]] of Object.entries(networks)) {
  Deno.test(`${name}: islands add casts, and nothing to the float32 graph`, () => {
    const values = (graph: Graph) => [
      ...graph.inputs,
      ...graph.nodes.flatMap(({ outputs }) => outputs),
      ...[...graph.parameters.values()].map(({ value }) => value),
      ...graph.constants.keys(),
    ];
    assertEquals(values(wide).filter(({ dtype }) => dtype === "float16"), []);
    const histogram = (graph: Graph) => {
      const counts: Record<string, number> = {};
      for (const { operator } of graph.nodes) counts[operator] = (counts[operator] ?? 0) + 1;
      return counts;
    };
    const { Cast: casts = 0, ...others } = histogram(narrow);
    const { Cast: casted = 0, ...plain } = histogram(wide);
    assert(casts > casted);
    if (name !== "umt5Encoder") assertEquals(others, plain);
    assertEquals([...narrow.parameters.keys()], [...wide.parameters.keys()]);
  });
}

Deno.test("a float16 causal Wan halves what it holds; what adds up stays float32", () => {
  const [, graph] = networks.causalWan;
  const dtypes = Object.fromEntries(graph.inputs.map(({ name, dtype }) => [name, dtype]));
  for (const name of ["latents", "noise", "sigma", "time", "cos", "sin"]) {
    assertEquals(dtypes[name], "float32", name);
  }
  assertEquals(dtypes["cache.29.k"], "float16");
  assertEquals(dtypes["context.0.v"], "float16");
  const parameter = (name: string) => graph.parameters.get(name)!.value.dtype;
  for (
    const name of [
      "blocks.0.modulation",
      "blocks.7.norm3.weight",
      "time_projection.1.weight",
      "patch_embedding.weight",
      "head.head.weight",
    ]
  ) assertEquals(parameter(name), "float32", name);
  for (const name of ["blocks.0.self_attn.q.weight", "blocks.0.ffn.2.bias"]) {
    assertEquals(parameter(name), "float16", name);
  }
  const norms = graph.nodes.filter(({ operator }) => operator === "LayerNormalization");
  assertEquals(new Set(norms.map(({ outputs: [y] }) => y!.dtype)), new Set(["float32"]));
  assertEquals(norms.length, 91);
});

Deno.test("umt5Encoder() in float16 goes on where activations are beyond float16", async () => {
  const golden = await Golden.open("umt5_encoder");
  // The last feed-forward's operands become 200 times as large each, and what it gives 200² times: some 5e5.
  const scaled = new Set(["blocks.1.ffn.gate.0.weight", "blocks.1.ffn.fc1.weight"]);
  const graphOf = (dtype: Precision) => {
    const graph = umt5Encoder(umt5Sizes, {
      dtype,
      padding: "keep",
      product: (scope, x, out) => {
        const name = `${scope.prefix}weight`;
        const y = linear(x, scope.parameter("weight", [out, x.dims[1] as number]));
        return scaled.has(name) ? mul(y, 200) : y;
      },
    });
    const hidden = graph.nodes.filter(({ operator, outputs: [y] }) =>
      operator === "Mul" && y!.dims[1] === umt5Sizes.dimFfn && y!.dtype === "float32"
    );
    for (const [i, { outputs: [y] }] of hidden.entries()) graph.output(`hidden.${i}`, y!);
    return graph;
  };
  const inputs: Record<string, TensorData> = {
    ids: (await golden.integers("in.ids")).slice(0, 16),
    mask: (await golden.integers("in.mask")).slice(0, 16),
  };
  const options = { weights: golden.weights, wrap: rounding };
  const wide = await runGraph(graphOf("float32"), inputs, options);
  const narrow = await runGraph(graphOf("float16"), inputs, options);
  const largest = (outputs: Record<string, TensorData>) =>
    Math.max(
      ...Object.entries(outputs).filter(([name]) => name.startsWith("hidden"))
        .flatMap(([, data]) => [...data as Float32Array].map(Math.abs)),
    );
  assert(largest(wide) > 65504, `expected activations beyond float16, got ${largest(wide)}`);
  assert(largest(narrow) > 65504);
  assertClose(
    narrow.embeddings as Float32Array,
    wide.embeddings as Float32Array,
    0.02,
    "embeddings",
  );
});
