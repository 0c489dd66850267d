import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { openWeightFile } from "../../engine/weights/mod.ts";
import { causalWan, taehvDecoder, umt5Encoder, wanContext } from "../../engine/networks/mod.ts";
import type { Graph } from "../../engine/onnx/mod.ts";
import type { ExportedNetwork } from "../../pipeline/export.ts";
import { writeNetwork } from "../../plugins/_export.ts";
import { decoderModels, diffusionModels, textModels } from "../../plugins/_models.ts";
import { runGraph } from "../_run_graph.ts";
import { assertNothingOpen, sluice } from "../_sluice.ts";
import { fill } from "./_numbers.ts";

/** Rows of the key-value caches in these runs. */
const CACHE = 192;

/** What npm's onnxruntime-node makes of files, each output by name. */
async function plainly(
  networks: readonly Pick<ExportedNetwork, "path" | "inputs">[],
): Promise<Record<string, number[]>[]> {
  const script = fromFileUrl(new URL("_plain_runtime.ts", import.meta.url));
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--config", config, script, JSON.stringify(networks)],
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The embedded model's graphs as the stages load them, and their files of weights. */
const shape = { frames: 3, height: 8, width: 8 };
const { transformer, text, decoder } = {
  transformer: diffusionModels.embedded,
  text: textModels.embedded,
  decoder: decoderModels.embedded,
};
const graphs: Record<string, { readonly graph: Graph; readonly weights: URL }> = {
  "text-encoder": { graph: umt5Encoder(text.sizes), weights: text.weights },
  "transformer-context": { graph: wanContext(transformer.sizes), weights: transformer.weights },
  "transformer": {
    graph: causalWan(transformer.sizes, shape, { attention: "fused" }),
    weights: transformer.weights,
  },
  "decoder": { graph: taehvDecoder(decoder.sizes, shape).graph, weights: decoder.weights },
};

/** The outputs of the engine's own session, for the numbers of `fill`. */
async function ours(name: string): Promise<Record<string, ArrayLike<number>>> {
  const { graph, weights } = graphs[name]!;
  const inputs = Object.fromEntries(graph.inputs.map(({ name, dtype, dims }) => {
    const sizes = dims.map((size) => typeof size === "string" ? CACHE : size);
    return [name, fill(name, dtype, sizes)];
  }));
  const file = await openWeightFile(fromFileUrl(weights));
  const run = await runGraph(graph, inputs as never, { weights: file, sizes: { cache: CACHE } });
  return run as unknown as Record<string, ArrayLike<number>>;
}

/** Largest difference, and largest magnitude. */
function compare(a: ArrayLike<number>, b: ArrayLike<number>): { worst: number; most: number } {
  assertEquals(a.length, b.length);
  let [worst, most] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    most = Math.max(most, Math.abs(a[i]!));
  }
  return { worst, most };
}

Deno.test("export all gives files that onnxruntime-node's own API runs to the same numbers", async () => {
  let theirs: Record<string, number[]>[] = [];
  let networks: ExportedNetwork[] = [];
  const { code, files } = await sluice(["export", "all", "--out", "onnx"], {}, async (folder) => {
    const again = await sluice(["export", "all", "--out", join(folder, "onnx"), "--json"]);
    assertEquals(again.code, 0, again.err);
    networks = JSON.parse(again.out).networks;
    theirs = await plainly(networks);
    const names = [...Deno.readDirSync(join(folder, "onnx"))].map(({ name }) => name);
    assertEquals(names.sort(), Object.keys(graphs).map((name) => `${name}.onnx`).sort());
  });
  assertEquals([code, files], [0, ["onnx"]]);
  assertEquals(networks.map(({ name }) => name), Object.keys(graphs));
  for (const [i, { name, bytes, outputs }] of networks.entries()) {
    const mine = await ours(name);
    assertEquals(Object.keys(theirs[i]!).sort(), outputs.map(({ name }) => name).sort());
    for (const { name: output, dtype } of outputs) {
      const { worst, most } = compare(theirs[i]![output]!, mine[output]!);
      const near = dtype === "uint8" ? 1 : 1e-4 * Math.max(1, most);
      assertEquals(most > 0 && worst <= near, true, `${name}, ${output}: ${worst} of ${most}`);
    }
    assertEquals(bytes > 100_000, true);
  }
  assertNothingOpen();
});

Deno.test("writeNetwork() puts weights beside the model where they are many", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
  try {
    const { graph, weights } = graphs["text-encoder"]!;
    const file = await openWeightFile(fromFileUrl(weights));
    const { signal } = new AbortController();
    const network = { name: "large", graph, weights: file };
    const exported = await writeNetwork(network, { folder, signal }, 1000);
    assertEquals(exported.data, join(folder, "large.onnx.data"));
    const sizes = ["large.onnx", "large.onnx.data"].map((name) =>
      Deno.statSync(join(folder, name)).size
    );
    assertEquals([sizes[0]! < 100_000, sizes[0]! + sizes[1]!], [true, exported.bytes]);
    const [outputs] = await plainly([exported]);
    const { worst, most } = compare(outputs!.embeddings!, (await ours("text-encoder")).embeddings!);
    assertEquals(most > 0.1 && worst < 1e-4, true, `${worst} of ${most}`);
    const aborted = AbortSignal.abort(new Error("enough"));
    await writeNetwork({ ...network, name: "none" }, { folder, signal: aborted }).catch(() => {});
    assertEquals([...Deno.readDirSync(folder)].length, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("export refuses a network that the pipeline has not, and a folder that cannot be", async () => {
  const unknown = await sluice(["export", "transformr"]);
  assertEquals([unknown.code, unknown.files], [2, []]);
  assertStringIncludes(unknown.err, 'has no network "transformr". Did you mean "transformer"?');
  const blocked = await sluice(["export", "decoder", "--out", "a/b"], { a: "file" });
  assertEquals([blocked.code, blocked.files], [2, []]);
  assertStringIncludes(blocked.err, "--out: cannot make the folder a/b");
  const published = await sluice(["export", "all", "--config", "self_forcing_dmd"]);
  assertEquals([published.code, published.files], [2, []]);
  assertStringIncludes(published.err, "models pull");
});
