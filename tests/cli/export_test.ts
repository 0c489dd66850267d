import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { openWeightFile } from "../../engine/weights/mod.ts";
import { causalWan, taehvDecoder, umt5Encoder, wanContext } from "../../engine/networks/mod.ts";
import type { Graph } from "../../engine/onnx/mod.ts";
import type { ExportedNetwork } from "../../pipeline/export.ts";
import { writeNetwork } from "../../plugins/_export.ts";
import { decoderModels, diffusionModels, textModels } from "../../plugins/_models.ts";
import { encodePicture } from "../../mod.ts";
import { runGraph } from "../_run_graph.ts";
import { assertNothingOpen, sluice } from "../_sluice.ts";
import { png } from "../plugins/_png.ts";
import { fill } from "./_numbers.ts";

/** Rows of the key-value caches in these runs. */
const CACHE = 192;

/** What npm's onnxruntime-node makes of files, each output by name. */
async function plainly(
  networks: readonly (Pick<ExportedNetwork, "path" | "inputs"> & {
    readonly values?: Readonly<Record<string, readonly number[]>>;
  })[],
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

Deno.test("export writes the encoder that encode-picture runs, where the pipeline has one", async () => {
  const black = (x: number, y: number) => (x + 2 * y) % 7 < 3;
  const config = `name: from-picture
stages:
  - use: encode-text
  - use: encode-picture
    with: { height: 32, width: 32, independent-first-frame: true }
  - use: diffuse
  - use: decode
`;
  const files = {
    "p.yaml": config,
    "p.png": png(32, 32, (x, y) => black(x, y) ? [0, 0, 0] : [255, 255, x < 16 ? 0 : 255]),
  };
  await sluice(["export", "all", "--config", "p.yaml", "--out", "onnx"], files, async (folder) => {
    const words = ["--config", join(folder, "p.yaml"), "--out", join(folder, "onnx"), "--json"];
    const { code, out, err } = await sluice(["export", "encoder", ...words]);
    assertEquals(code, 0, err);
    const { networks: [network] }: { networks: ExportedNetwork[] } = JSON.parse(out);
    const frames: number[] = [];
    for (let at = 0; at < 4 * 3 * 32 * 32; at++) {
      const [x, y, colour] = [at % 32, Math.floor(at / 32) % 32, Math.floor(at / 1024) % 3];
      frames.push(black(x, y) || (colour === 2 && x < 16) ? 0 : 1);
    }
    const [theirs] = await plainly([{ ...network!, values: { frames } }]);
    await using stage = await encodePicture.create(
      encodePicture.options.parse({ height: 32, width: 32, independentFirstFrame: true }),
      {
        ...{ device: "cpu", threads: 2, directory: ".", warn() {} },
        signal: new AbortController().signal,
      },
    );
    const prompt = { text: "a", image: join(folder, "p.png") };
    const conditioning = {
      prompt,
      embeddings: new Float32Array(),
      tokens: 0,
      channels: 0,
      length: 0,
    };
    const context = {
      ...{ signal: new AbortController().signal, stop: new AbortController().signal },
      ...{ whenRunning: () => Promise.resolve(), report() {} },
    };
    const given = async function* () {
      yield await Promise.resolve(conditioning);
    };
    const [encoded] = await Array.fromAsync(stage.process(given(), context));
    assertEquals(encoded!.given!.shape, [1, 16, 2, 2]);
    const { worst, most } = compare(theirs!.latents!, encoded!.given!.data);
    assertEquals(most > 0.3 && worst < 1e-4, true, `${worst} of ${most}`);
    assertEquals([...Deno.readDirSync(join(folder, "onnx"))].map(({ name }) => name).sort(), [
      ...["decoder.onnx", "encoder.onnx", "text-encoder.onnx"],
      ...["transformer-context.onnx", "transformer.onnx"],
    ]);
  });
  assertNothingOpen();
});

Deno.test("export writes the network of a first chunk of its own, where the pipeline has one", async () => {
  const words = ["export", "transformer-first", "--out", "onnx", "--json"];
  const set = [
    "--set",
    "diffuse.independent-first-frame=true",
    "--set",
    "diffuse.latent-frames=22",
  ];
  const { code, out, err } = await sluice([...words, ...set]);
  assertEquals(code, 0, err);
  const { networks } = JSON.parse(out) as { readonly networks: ExportedNetwork[] };
  assertEquals(networks.map(({ name }) => name), ["transformer-first"]);
  const latents = networks[0]!.inputs.find(({ name }) => name === "latents");
  assertEquals(latents?.shape, [1, 16, 8, 8]);
  const without = await sluice(words);
  assertEquals(without.code, 2);
  assertStringIncludes(JSON.parse(without.out).error.message, 'no network "transformer-first"');
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
