import { assertEquals, assertStringIncludes } from "@std/assert";
import { readConfig } from "../../cli/reference_config.ts";
import { plugins } from "../../mod.ts";
import { run } from "./_run.ts";

/** As the reference's configs are written, with numbers that are not its own. */
const CONFIG = `generator_ckpt: checkpoints/ode_init.pt
real_name: Wan2.1-T2V-14B
denoising_step_list:
- 1000
- 600
- 0
warp_denoising_step: true # a comment
timestep_shift: 8.0
guidance_scale: 3.0
lr: 2.0e-06
negative_prompt: 'blurry'
image_or_video_shape:
- 1
- 18
- 16
- 32
- 48
num_frame_per_block: 2
trainer: score_distillation
model_kwargs:
  timestep_shift: 4.0
  local_attn_size: 12
  sink_size: 1
`;

const DEFAULTS = "context_noise: 100\nindependent_first_frame: false\nnum_frame_per_block: 9\n";

async function describe(text: string, words: readonly string[] = [], defaults?: string) {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/self_forcing_sid.yaml`;
    await Deno.writeTextFile(path, text);
    if (defaults !== undefined) {
      await Deno.writeTextFile(`${folder}/default_config.yaml`, defaults);
    }
    const plugins = async () => (await import("../../mod.ts")).plugins;
    return await run(["pipeline", "describe", path, "--json", ...words], { changes: { plugins } });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Page {
  readonly stages: readonly { readonly use: string; readonly with: Record<string, unknown> }[];
}

function stage(out: string, use: string): Record<string, unknown> {
  return (JSON.parse(out) as Page).stages.find((each) => each.use === use)!.with;
}

Deno.test("readConfig() reads the reference's few-step configs with the defaults beside them", async () => {
  const { out, code } = await describe(CONFIG, [], DEFAULTS);
  assertEquals(code, 0);
  const expected = {
    weights: "models/Self-Forcing/checkpoints/self_forcing_sid.pt#generator_ema",
    steps: [1000, 600],
    "warp-steps": true,
    sampler: "few-step",
    // The wrapper around the model is given its own shift.
    shift: 4,
    chunk: 2,
    "latent-frames": 18,
    window: 12,
    sink: 1,
    "context-noise": 100,
    height: 256,
    width: 384,
  };
  const diffuse = stage(out, "diffuse");
  for (const [key, value] of Object.entries(expected)) assertEquals(diffuse[key], value, key);
  assertEquals(stage(out, "encode-text").negative, undefined);
  assertEquals(stage(out, "decode").network, "wan2.1-vae");
});

Deno.test("readConfig() reads one without a list of steps as many steps with guidance", async () => {
  const text = CONFIG.replace(/denoising_step_list:\n(- \d+\n)+/, "")
    .replace(/model_kwargs:[^]*/, "");
  const { out, code } = await describe(text);
  assertEquals(code, 0);
  const diffuse = stage(out, "diffuse");
  assertEquals(
    [diffuse.sampler, diffuse.guidance, diffuse.shift, diffuse.window, diffuse.sink],
    ["unipc", 3, 8, 21, 0],
  );
  assertEquals(stage(out, "encode-text").negative, "blurry");
});

Deno.test("readConfig() reads one with causal: false as the network that makes the whole clip at once", async () => {
  const text = `causal: false\n${CONFIG}`;
  const few = await describe(text.replace("- 600\n", "- 600\n- 300\n"), [], DEFAULTS);
  assertEquals(few.code, 0, few.out);
  const common = {
    network: "wan2.1-t2v-1.3b",
    weights: "models/Wan2.1-T2V-1.3B/diffusion_pytorch_model.safetensors",
    "latent-frames": 18,
    height: 256,
    width: 384,
    // Nothing of these is read there.
    chunk: undefined,
    window: undefined,
    sink: undefined,
    "context-noise": undefined,
  };
  const check = (out: string, expected: Record<string, unknown>) => {
    const diffuse = stage(out, "diffuse");
    for (const [key, value] of Object.entries(expected)) assertEquals(diffuse[key], value, key);
  };
  // The last step above 0 is never run, and the wrapper's shift is the schedule's.
  check(few.out, {
    ...common,
    ...{ sampler: "few-step", steps: [1000, 600], "warp-steps": true, shift: 4 },
  });
  assertEquals(stage(few.out, "encode-text").negative, undefined);
  const many = await describe(text.replace(/denoising_step_list:\n(- \d+\n)+/, ""));
  assertEquals(many.code, 0, many.out);
  // The shift of 8 is fixed there, whatever the config says.
  check(many.out, { ...common, sampler: "unipc", steps: 50, shift: 8, guidance: 3 });
  assertEquals(stage(many.out, "encode-text").negative, "blurry");
  const large = await describe(
    text.replace("- 600\n", "- 600\n- 300\n")
      .replace("  sink_size: 1", "  model_name: Wan2.1-T2V-14B"),
  );
  assertEquals(large.code, 0, large.out);
  check(large.out, {
    network: "wan2.1-t2v-14b",
    weights: "models/Wan2.1-T2V-14B/diffusion_pytorch_model.safetensors.index.json",
    height: 256,
  });
});

Deno.test("readConfig() gives the file as it was named, for whoever is told to name it again", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, CONFIG);
    assertEquals((await readConfig(path, { plugins })).file, path);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readConfig() lets --set change the reference's configs", async () => {
  const { out } = await describe(CONFIG, [
    "--set",
    "diffuse.window=6",
    "--set",
    "decode.network=taew2.1",
  ]);
  assertEquals(stage(out, "diffuse").window, 6);
  assertEquals(stage(out, "decode").network, "taew2.1");
});

Deno.test("readConfig() names what it does not know in the reference's configs", async () => {
  const bad: readonly (readonly [from: string, to: string, words: string])[] = [
    [
      "warp_denoising_step",
      "wrap_denoising_step",
      ':7:1: wrap_denoising_step: there is no such key in the reference\'s configs. Did you mean "warp_denoising_step"?',
    ],
    ["  sink_size", "  sink_sise", ":23:3: model_kwargs.sink_sise: there is no such key"],
    ["num_frame_per_block: 2", "num_frame_per_block: two", ":18:1: num_frame_per_block: "],
    ["num_frame_per_block: 2", "num_frame_per_block: 5", "latent-frames"],
    ["- 600", "- 6000", ":3:1: denoising_step_list"],
    [
      "- 600\n- 0\n",
      "causal: false\n",
      ":3:1: denoising_step_list: expected at least two steps above 0",
    ],
    [
      "  sink_size: 1",
      "  model_name: Wan2.1-T2V-14B",
      'model_kwargs.model_name: expected "Wan2.1-T2V-1.3B": there is no causal network of another size',
    ],
    ["  sink_size: 1", "  is_causal: false", "model_kwargs.is_causal: expected true, as causal is"],
  ];
  for (const [from, to, words] of bad) {
    const { code, out } = await describe(CONFIG.replace(from, to));
    assertEquals(code, 2, to);
    assertStringIncludes(JSON.parse(out).error.message, words);
  }
});
