/** The published files' layouts: read as they are at full size, and run at a reduced one. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  causalWan,
  taehvDecoder,
  taehvEncoder,
  taew2_1,
  umt5Encoder,
  umt5Xxl,
  wan,
  wan2_1_1_3b,
  wan2_1_vae,
  wanContext,
  wanVaeDecoder,
  wanVaeEncoder,
} from "../engine/networks/mod.ts";
import { matchParameters, openWeightFile, publishedModels } from "../engine/weights/mod.ts";
import { assertNothingOpen, sluice } from "./_sluice.ts";
import {
  tensorsOf,
  writeHollowSafetensors,
  writeRandomSafetensors,
  writeTorch,
} from "./_stand_in.ts";
import { inFolder } from "./_folder.ts";

const chunk = { frames: 3, height: 60, width: 104 };
const clip = { frames: 1, height: 8, width: 8 };

Deno.test("files of the published sizes open by their tables, under every network's own names", async () => {
  const causal = [causalWan(wan2_1_1_3b, chunk), wanContext(wan2_1_1_3b)];
  const whole = [wan(wan2_1_1_3b, { ...chunk, frames: 21 }), wanContext(wan2_1_1_3b)];
  const vae = [
    wanVaeDecoder(wan2_1_vae, { ...clip, frames: 2 }).graph,
    wanVaeEncoder(wan2_1_vae, { frames: 5, height: 64, width: 64 }).graph,
  ];
  const tiny = [
    taehvDecoder(taew2_1, clip).graph,
    taehvEncoder(taew2_1, { frames: 4, height: 64, width: 64 }).graph,
  ];
  await inFolder(async (folder) => {
    const ema = tensorsOf(causal, "float32", "model.");
    await writeTorch(`${folder}/dmd.pt`, { generator: ema, generator_ema: ema }, true);
    await writeTorch(
      `${folder}/t5.pth`,
      { "": tensorsOf([umt5Encoder(umt5Xxl)], "bfloat16") },
      true,
    );
    await writeTorch(`${folder}/vae.pth`, { "": tensorsOf(vae, "float32") }, true);
    await writeTorch(`${folder}/tae.pth`, { "": tensorsOf(tiny, "float16") }, true);
    await writeHollowSafetensors(`${folder}/wan.safetensors`, tensorsOf(causal, "float32"));
    const before = Deno.memoryUsage().rss;
    const started = performance.now();
    const files = [
      ["dmd.pt#generator_ema", causal, 825],
      ["dmd.pt#generator", causal, 825],
      ["wan.safetensors", causal, 825],
      ["wan.safetensors", whole, 825],
      ["t5.pth", [umt5Encoder(umt5Xxl)], 242],
      ["vae.pth", vae, 194],
      ["tae.pth", tiny, 128],
    ] as const;
    for (const [name, graphs, count] of files) {
      const file = await openWeightFile(`${folder}/${name}`);
      assertEquals(file.tensors.size, count, name);
      const wanted = new Map(graphs.flatMap((graph) => [...graph.parameters]));
      matchParameters(file, [...wanted.values()]);
    }
    const seconds = (performance.now() - started) / 1000;
    const grown = Deno.memoryUsage().rss - before;
    assert(seconds < 10, `${seconds} s`);
    assert(grown < 200e6, `${grown} bytes for tables alone`);
    // Beyond the tables they are as long as the published ones.
    const published = publishedModels.flatMap(({ files }) => files);
    for (
      const [mine, theirs] of [["t5.pth", "models_t5_umt5-xxl-enc-bf16.pth"], [
        "vae.pth",
        "Wan2.1_VAE.pth",
      ], ["wan.safetensors", "diffusion_pytorch_model.safetensors"]]
    ) {
      const { size } = await Deno.stat(`${folder}/${mine}`);
      const { bytes } = published.find(({ path }) => path === theirs)!;
      assert(Math.abs(size - bytes!) < 1e6, `${mine}: ${size} and ${bytes}`);
    }
  });
});

/** Smaller in every way that does not change the layout. */
const text = {
  ...umt5Xxl,
  vocab: 768,
  dim: 48,
  dimAttn: 48,
  dimFfn: 96,
  numHeads: 4,
  numLayers: 2,
  textLen: 32,
};
const small = {
  ...wan2_1_1_3b,
  dim: 96,
  ffnDim: 192,
  numHeads: 4,
  numLayers: 2,
  freqDim: 32,
  textDim: 48,
  textLen: 32,
};

const reduced = [
  "encode-text.sizes={ vocab: 768, dim: 48, dim-attn: 48, dim-ffn: 96, num-heads: 4, num-layers: 2, text-len: 32 }",
  "diffuse.sizes={ dim: 96, ffn-dim: 192, num-heads: 4, num-layers: 2, freq-dim: 32, text-dim: 48, text-len: 32 }",
  "diffuse.height=64",
  "diffuse.width=96",
].flatMap((setting) => ["--set", setting]);

/** The published tree in the folder that the program runs in. */
async function plant(folder: string): Promise<void> {
  const base = `${folder}/models/Wan2.1-T2V-1.3B`;
  await Deno.mkdir(`${base}/google/umt5-xxl`, { recursive: true });
  await Deno.mkdir(`${folder}/models/Self-Forcing/checkpoints`, { recursive: true });
  await Deno.mkdir(`${folder}/models/taehv`, { recursive: true });
  const tokenizer = new URL("../assets/embedded/tokenizer.json", import.meta.url);
  await Deno.copyFile(tokenizer, `${base}/google/umt5-xxl/tokenizer.json`);
  await writeTorch(`${base}/models_t5_umt5-xxl-enc-bf16.pth`, {
    "": tensorsOf([umt5Encoder(text)], "bfloat16"),
  });
  const ema = tensorsOf(
    [causalWan(small, { ...chunk, height: 8, width: 12 }), wanContext(small)],
    "float32",
    "model.",
  );
  await writeTorch(`${folder}/models/Self-Forcing/checkpoints/self_forcing_dmd.pt`, {
    generator: ema,
    generator_ema: ema,
  });
  await writeTorch(`${folder}/models/taehv/taew2_1.pth`, {
    "": tensorsOf([
      taehvDecoder(taew2_1, clip).graph,
      taehvEncoder(taew2_1, { frames: 4, height: 64, width: 64 }).graph,
    ], "float16"),
  });
  const own = [wan(small, { ...chunk, height: 8, width: 12 }), wanContext(small)];
  await writeRandomSafetensors(
    `${base}/diffusion_pytorch_model.safetensors`,
    tensorsOf(own, "float32"),
  );
  const vae = { ...wan2_1_vae, dim: 8 };
  await writeTorch(`${base}/Wan2.1_VAE.pth`, {
    "": tensorsOf([
      wanVaeDecoder(vae, { ...clip, frames: 2 }).graph,
      wanVaeEncoder(vae, { frames: 5, height: 64, width: 64 }).graph,
    ], "float32"),
  });
}

Deno.test("generate --config self_forcing_dmd runs from the published tree at reduced sizes", async () => {
  await inFolder(async (folder) => {
    await plant(folder);
    // Relative paths start from the current folder, which is another one in these runs.
    const models = `${folder}/models`;
    const at = [
      `encode-text.weights=${models}/Wan2.1-T2V-1.3B/models_t5_umt5-xxl-enc-bf16.pth`,
      `encode-text.tokenizer=${models}/Wan2.1-T2V-1.3B/google/umt5-xxl/tokenizer.json`,
      `diffuse.weights=${models}/Self-Forcing/checkpoints/self_forcing_dmd.pt#generator_ema`,
      `decode.weights=${models}/taehv/taew2_1.pth`,
    ].flatMap((setting) => ["--set", setting]);
    const words = ["generate", "a red ball", "--config", "self_forcing_dmd", "--out", "o.mp4"];
    const run = await sluice([...words, "--frames", "33", "--json", ...at, ...reduced]);
    assertEquals(run.code, 0, run.out + run.err);
    assertEquals(JSON.parse(run.out).frames, 33);
    assertEquals(run.files, ["o.mp4"]);
    const wrong = await sluice([...words, "--json", ...at, ...reduced.slice(2)]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.out, "models_t5_umt5-xxl-enc-bf16.pth");
    assertNothingOpen();
  });
});

Deno.test("generate --config wan2.1_t2v_1.3b runs from the published tree at reduced sizes", async () => {
  await inFolder(async (folder) => {
    await plant(folder);
    const base = `${folder}/models/Wan2.1-T2V-1.3B`;
    const at = [
      `encode-text.weights=${base}/models_t5_umt5-xxl-enc-bf16.pth`,
      `encode-text.tokenizer=${base}/google/umt5-xxl/tokenizer.json`,
      `diffuse.weights=${base}/diffusion_pytorch_model.safetensors`,
      `decode.weights=${base}/Wan2.1_VAE.pth`,
      "decode.sizes={ dim: 8 }",
      "diffuse.steps=2",
    ].flatMap((setting) => ["--set", setting]);
    const words = ["generate", "a red ball", "--config", "wan2.1_t2v_1.3b", "--out", "o.mp4"];
    let film = new Uint8Array();
    const generate = (...more: string[]) =>
      sluice([...words, "--json", ...at, ...reduced, ...more], { "clip.mp4": film }, async () => {
        film = await Deno.readFile("o.mp4").catch(() => film);
      });
    // 29 pictures are 8 latent frames, which are no whole chunks of three.
    const made = await generate("--frames", "29");
    assertEquals(made.code, 0, made.out + made.err);
    assertEquals(JSON.parse(made.out).frames, 29);
    assertEquals(made.files, ["o.mp4"]);
    // Over that clip, though a longer one would be allowed.
    const over = await generate("--video", "clip.mp4", "--strength", "0.5");
    assertEquals(over.code, 0, over.out + over.err);
    assertEquals(JSON.parse(over.out).frames, 29);
    const refused = [
      [["--video", "clip.mp4"], "makes the whole clip at once and cannot begin with something"],
      [["--image", "clip.mp4"], '--image: the pipeline "wan2.1_t2v_1.3b" makes the whole clip'],
      [["--frames", "30"], "which give 1, 5, 9, … frames. Nearest: 29 or 33."],
      [
        ["--frames", "0"],
        "makes the whole video at once, which has an end: say how many, such as 81.",
      ],
      [["--diffuse-chunk", "3"], "makes the whole clip at once"],
      [["--diffuse-window", "9"], "causal networks have it: embedded, wan2.1-1.3b"],
    ] as const;
    for (const [more, message] of refused) {
      const { code, out, files } = await generate(...more);
      assertEquals(code, 2, message);
      assertStringIncludes(JSON.parse(out).error.message, message);
      assertEquals(files, []);
    }
    const set = ["--set", "diffuse.latent-frames=8"];
    const exported = await sluice([
      ...["export", "transformer", "--config", "wan2.1_t2v_1.3b", "--out", "onnx", "--json"],
      ...at,
      ...reduced,
      ...set,
    ]);
    assertEquals(exported.code, 0, exported.out + exported.err);
    const [network] = JSON.parse(exported.out).networks;
    // A pass over the whole clip, without a cache.
    assertEquals(network.outputs, [{ name: "flow", dtype: "float32", shape: [8, 16, 8, 12] }]);
    assertEquals(
      network.inputs.map(({ name }: { name: string }) => name).filter((name: string) =>
        !name.startsWith("context.")
      ).sort(),
      ["cos", "latents", "sin", "time"],
    );
    assertNothingOpen();
  });
});
