import { assert, assertEquals, assertRejects } from "@std/assert";
import { checkWeights, loadGraph } from "../../engine/load/mod.ts";
import { causalWan } from "../../engine/networks/mod.ts";
import { openDevice } from "../../engine/runtime/mod.ts";
import { type HostTensor, hostTensor } from "../../engine/tensor/mod.ts";
import {
  mergeLoras,
  openSafetensors,
  type WeightFile,
  WeightsError,
  writeSafetensors,
} from "../../engine/weights/mod.ts";
import { BidirectionalWanModel } from "../../plugins/diffuse/bidirectional_model.ts";
import { CausalWanModel } from "../../plugins/diffuse/model.ts";
import { Golden } from "../_golden.ts";
import { goldenSizes } from "./_causal_wan.ts";

const golden = await Golden.open("causal_wan");
/** Parts of the network of passes, and of that of the text, with what they take and give. */
const modules = [
  ["blocks.0.self_attn.q", 48, 48],
  ["blocks.1.ffn.0", 48, 128],
  ["blocks.2.cross_attn.k", 48, 48],
  ["text_embedding.0", 24, 48],
] as const;

/** The golden weights with a LoRA of these modules, and how often each of its tensors is read. */
async function merged(
  value: number,
): Promise<{ weights: WeightFile; reads: Map<string, number> }> {
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    const filled = (shape: readonly number[]) =>
      hostTensor(
        "float32",
        shape,
        new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
      );
    await writeSafetensors(
      path,
      modules.flatMap(([module, inner, out]): [string, HostTensor][] => [
        [`${module}.lora_A.weight`, filled([1, inner])],
        [`${module}.lora_B.weight`, filled([out, 1])],
      ]),
    );
    const file = await openSafetensors(path);
    const tensors = new Map<string, HostTensor>();
    for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
    const reads = new Map<string, number>();
    const counting: WeightFile = {
      ...file,
      read(name) {
        reads.set(name, (reads.get(name) ?? 0) + 1);
        return Promise.resolve(tensors.get(name)!);
      },
    };
    // What is read of the file beside these is read in place, while it is there.
    const weights = await mergeLoras(golden.weights, [{ file: counting, scale: 1 }]);
    return { weights, reads };
  } finally {
    await Deno.remove(path);
  }
}

const place = { height: 8, width: 12 };
const common = { sizes: goldenSizes, attention: "composed" } as const;
const models = {
  causal: (weights: WeightFile, device: Awaited<ReturnType<typeof openDevice>>) =>
    CausalWanModel.load(device, weights, {
      ...{ ...common, chunk: { ...place, frames: 3 }, window: 9 },
    }),
  bidirectional: (weights: WeightFile, device: Awaited<ReturnType<typeof openDevice>>) =>
    BidirectionalWanModel.load(device, weights, { ...common, clip: { ...place, frames: 3 } }),
};

for (const [kind, load] of Object.entries(models)) {
  Deno.test(`a LoRA is merged once where a ${kind} model is loaded`, async () => {
    const { weights, reads } = await merged(0.01);
    await using device = await openDevice("cpu", { threads: 1 });
    await using _model = await load(weights, device);
    assertEquals(reads.size, 2 * modules.length);
    assertEquals([...new Set(reads.values())], [1]);
  });
}

Deno.test("loadGraph() refuses what a LoRA makes too large for float16, which nobody has looked at before", async () => {
  const { weights } = await merged(300); // 300 · 300 is beyond float16.
  const graph = (dtype: "float16" | "float32") =>
    causalWan(goldenSizes, { ...place, frames: 1 }, { dtype, attention: "composed" });
  await using device = await openDevice("cpu", { threads: 1 });
  const options = { allowSurplus: true };
  await checkWeights([graph("float16"), graph("float32")], weights, options);
  {
    await using session = await loadGraph(device, graph("float32"), weights);
    assert(session.inputs.length > 0);
  }
  await assertRejects(
    () => loadGraph(device, graph("float16"), weights),
    WeightsError,
    "hold values that are not finite in float16",
  );
});
