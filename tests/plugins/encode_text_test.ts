import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { umt5Encoder, umt5Xxl } from "../../engine/networks/mod.ts";
import { liveHandles, openDevice } from "../../engine/runtime/mod.ts";
import { openSafetensors } from "../../engine/weights/mod.ts";
import type { LoadingProgress, StageEvent } from "../../pipeline/events.ts";
import { type Conditioning, type Prompt, UserError } from "../../pipeline/mod.ts";
import { textModels } from "../../plugins/_models.ts";
import { exportText } from "../../plugins/encode_text/export.ts";
import { chooseForm, isLarge, plannedForm, type TextForm } from "../../plugins/encode_text/form.ts";
import { textNetwork } from "../../plugins/encode_text/network.ts";
import { encodeTextOptions } from "../../plugins/encode_text/options.ts";
import { RecentTexts } from "../../plugins/encode_text/recent.ts";
import { TextStage } from "../../plugins/encode_text/stage.ts";
import { EncoderSupply } from "../../plugins/encode_text/supply.ts";
import { openTokenizer, TextEncoder, tokenize } from "../../plugins/encode_text/text_encoder.ts";
import { webgpuIsHere } from "../_webgpu.ts";
import { writeTorch } from "../_stand_in.ts";

const { signal } = new AbortController();
const create = { device: "cpu", threads: 2, directory: ".", signal } as never;

/** What a stage gives for prompts, and how many sessions there were when each came out. */
async function encode(prompts: readonly Prompt[], options: Record<string, unknown> = {}) {
  await using stage = await TextStage.create(encodeTextOptions.parse(options), create);
  const events: StageEvent[] = [];
  const given = async function* () {
    for (const prompt of prompts) yield await Promise.resolve(prompt);
  };
  const context = {
    signal,
    stop: signal,
    whenRunning: () => Promise.resolve(),
    report: (event: StageEvent) => void events.push(event),
  };
  const conditionings: Conditioning[] = [];
  const sessions: number[] = [];
  for await (const conditioning of stage.process(given(), context)) {
    conditionings.push(conditioning);
    sessions.push(liveHandles().session);
  }
  return { conditionings, sessions, events };
}

const red = { text: "a red ball bounces, green floor" };
const blue = { text: "a blue star spins, grey background", negative: "blurry" };

/** Root of the mean square of the difference, of the size. */
function error(actual: Float32Array, expected: Float32Array): number {
  const sum = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0);
  return Math.sqrt(sum(actual.map((value, i) => value - expected[i]!)) / sum(expected));
}

Deno.test("TextStage frees a text encoder that is not kept before its embeddings go on", async () => {
  const kept = await encode([red, blue, red], { keep: true });
  assertEquals(kept.sessions, [1, 1, 1]);
  assertEquals(kept.events, []);
  const freed = await encode([red, blue, red, blue], { keep: false });
  assertEquals(freed.sessions, [0, 0, 0, 0]);
  // Loaded twice: texts that were encoded before need nothing.
  const notes = freed.events.map((event) => event.type === "note" ? event.message : event);
  assertEquals(notes.length, 1);
  assertStringIncludes(String(notes[0]), "was freed after the last prompt and is loaded again");
  for (const [i, { embeddings, negative, length }] of kept.conditionings.entries()) {
    assertEquals(embeddings, freed.conditionings[i]!.embeddings);
    assertEquals(negative, freed.conditionings[i]!.negative);
    assertEquals(length, freed.conditionings[i]!.length);
  }
  assertEquals(freed.conditionings[3]!.embeddings, kept.conditionings[1]!.embeddings);
  assertEquals((await encode([red])).sessions, [1]);
  assertEquals(liveHandles().session, 0);
});

Deno.test("TextStage frees the encoder when a prompt cannot be encoded, and encodes the next", async () => {
  const options = encodeTextOptions.parse({ keep: false });
  await using stage = await TextStage.create(options, create);
  const control = new AbortController();
  const run = (signal: AbortSignal) =>
    stage.process(
      (async function* () {
        yield await Promise.resolve(red);
      })(),
      {
        signal,
        stop: signal,
        whenRunning: () => Promise.resolve(),
        report() {},
      },
    );
  control.abort(new Error("enough"));
  await assertRejects(() => Array.fromAsync(run(control.signal)), Error, "enough");
  assertEquals(liveHandles().session, 0);
  assertEquals((await Array.fromAsync(run(signal))).length, 1);
});

Deno.test("TextStage gives up a prompt for which it loads the encoder again where the run is stopped or aborted", async () => {
  await using stage = await TextStage.create(encodeTextOptions.parse({ keep: false }), create);
  for (const ends of ["stop", "signal"] as const) {
    const control = { stop: new AbortController(), signal: new AbortController() };
    const conditionings: Conditioning[] = [];
    const given = async function* () {
      // What was encoded before needs no encoder.
      yield await Promise.resolve({ text: `a red ball, ${ends}` });
      yield { text: `a blue ball, ${ends}` };
      yield { text: "never asked for" };
    };
    const run = async () => {
      const context = {
        stop: control.stop.signal,
        signal: control.signal.signal,
        whenRunning: () => Promise.resolve(),
        report: () => control[ends].abort(new Error("enough")),
      };
      for await (const conditioning of stage.process(given(), context)) {
        conditionings.push(conditioning);
      }
    };
    // The encoder's first loading is silent, all others are told.
    if (ends === "stop") {
      await run();
      assertEquals(conditionings.map(({ prompt }) => prompt.text), ["a red ball, stop"]);
    } else {
      await assertRejects(run, Error, "enough");
      assertEquals(conditionings, []);
    }
    assertEquals(liveHandles().session, 0);
  }
});

Deno.test("TextStage.create() reports what takes long, as much of it as there is", async () => {
  const reports: string[] = [];
  const report = ({ work, done, total }: LoadingProgress) => {
    assert(done <= total);
    if (done === total) reports.push(work);
  };
  const listening = { device: "cpu", threads: 1, directory: ".", signal, report } as never;
  for (const precision of ["float32", "int8"]) {
    await using _ = await TextStage.create(encodeTextOptions.parse({ precision }), listening);
  }
  assertEquals([...new Set(reports)], ["checking weights", "onto the device"]);
  assertEquals(reports.length, 4);
});

Deno.test("TextStage encodes what comes later in a video, and too long a text, with or without keeping", async () => {
  const prompt = { ...red, then: [{ from: 9, text: blue.text }, { from: 30, text: red.text }] };
  for (const keep of [true, false]) {
    const { conditionings: [first, alone], events } = await encode([prompt, blue], { keep });
    assertEquals(first!.then!.map(({ from }) => from), [9, 30]);
    assertEquals(first!.then![0]!.embeddings, alone!.embeddings);
    assertEquals(first!.then![1]!.embeddings, first!.embeddings);
    assertEquals(events.filter(({ type }) => type === "note").length, keep ? 0 : 1);
  }
  const long = { text: "red ".repeat(60) };
  const { events } = await encode([long, long]);
  assertEquals(events.map(({ type }) => type), ["warning", "warning"]);
});

Deno.test("TextStage keeps its weights in 16, 8 or 4 bits with the errors that are known", async () => {
  const exact = (await encode([red, blue])).conditionings;
  // Of bench/quantized.bench.ts, with room; bfloat16, which the reference computes in, is off by 0.4%.
  const bounds = { float16: [0, 1e-3], int8: [1e-3, 0.01], int4: [0.02, 0.12] } as const;
  for (const [precision, [least, most]] of Object.entries(bounds)) {
    const { conditionings } = await encode([red, blue], { precision });
    for (const [i, { embeddings, length }] of conditionings.entries()) {
      const off = error(embeddings, exact[i]!.embeddings);
      assert(off >= least && off <= most, `${precision}: ${off}`);
      assert(embeddings.subarray(length * 128).every((value) => value === 0));
    }
  }
});

Deno.test("TextEncoder in few bits computes in float16 as cards do, with scales in that", async () => {
  const { sizes, weights, tokenizer } = textModels.embedded;
  const file = await openSafetensors(weights.pathname);
  const tokens = tokenize(await openTokenizer(tokenizer.pathname), red.text, sizes.textLen);
  await using device = await openDevice("cpu", { threads: 1 });
  const run = async (form: TextForm) => {
    await using encoder = await TextEncoder.load(device, sizes, file, { form });
    return await encoder.encode(tokens);
  };
  const exact = await run({ dtype: "float32" });
  for (const [bits, most] of [[8, 0.01], [4, 0.12]] as const) {
    const embeddings = await run({ dtype: "float16", bits });
    const off = error(embeddings, exact);
    assert(off > 1e-3 && off < most, `${bits} bits: ${off}`);
    // Scales in float16 are rounded, and the weights reckoned with the rounded ones.
    assert(error(embeddings, await run({ dtype: "float32", bits })) < off / 2);
  }
});

Deno.test("TextStage gives the same on webgpu, in few bits too", async () => {
  if (!await webgpuIsHere()) return;
  for (const precision of ["float32", "int8", "int4"]) {
    const [there] = (await encode([red], { precision, device: "webgpu" })).conditionings;
    const [here] = (await encode([red], { precision })).conditionings;
    // Adapters with 16-bit floats compute in those, unless they are told not to.
    const most = precision === "float32" ? 1e-4 : 5e-3;
    assert(error(there!.embeddings, here!.embeddings) < most, precision);
  }
});

Deno.test("exportText() writes the encoder in few bits as a file that gives the same", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = encodeTextOptions.parse({ precision: "int4" });
    const { networks: [network] } = await exportText(options, {
      folder,
      directory: ".",
      wants: () => true,
      signal,
    });
    await using device = await openDevice("cpu", { threads: 1 });
    await using session = await device.createSession(await Deno.readFile(network!.path));
    using binding = session.createBinding();
    const tokenizer = await openTokenizer(textModels.embedded.tokenizer.pathname);
    const { ids, mask } = tokenize(tokenizer, red.text, 32);
    for (const [name, values] of Object.entries({ ids, mask })) {
      const tensor = device.createTensor("int64", [32]);
      await tensor.write(values);
      binding.input(name, tensor);
    }
    binding.outputOnHost("embeddings");
    await session.run(binding);
    const [expected] = (await encode([red], { precision: "int4" })).conditionings;
    const embeddings = binding.take("embeddings").data as Float32Array;
    assert(error(embeddings, expected!.embeddings) < 1e-5);
    assert(network!.bytes < 450_000, `${network!.bytes} bytes`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("TextStage says which weights do not fit, in few bits too", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { sizes } = textModels.embedded;
    const wrong = umt5Encoder({ ...sizes, dimFfn: 128 });
    const tensors = [...wrong.parameters.values()].map(({ name, shape }) =>
      [name, { shape, dtype: "bfloat16" }] as const
    );
    await writeTorch(`${folder}/t5.pth`, { "": new Map(tensors) });
    for (const precision of ["auto", "int8"]) {
      const weights = `${folder}/t5.pth`;
      const error = await assertRejects(() => encode([red], { weights, precision }), UserError);
      assertStringIncludes(error.message, "blocks.0.ffn.gate.0.weight (expected [256, 128]");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assertEquals(liveHandles(), {
    device: 0,
    session: 0,
    binding: 0,
    tensor: 0,
    value: 0,
    executor: 0,
  });
});

Deno.test("EncoderSupply loads when it is asked, once where it keeps", async () => {
  for (const keep of [true, false]) {
    const log: string[] = [];
    const fake = () => ({
      [Symbol.asyncDispose]: () => Promise.resolve(void log.push("freed")),
    } as TextEncoder);
    const load = () => Promise.resolve((log.push("loaded"), fake()));
    await using supply = new EncoderSupply({ keep, load });
    const again = () => void log.push("again");
    await supply.rest();
    for (let prompt = 0; prompt < 2; prompt++) {
      assertEquals(await supply.take(signal, again), await supply.take(signal, again));
      await supply.rest();
    }
    const expected = ["loaded", "freed", "again", "loaded", "freed"];
    assertEquals(log, keep ? ["loaded"] : expected);
    await supply[Symbol.asyncDispose]();
    assertEquals(log, keep ? ["loaded", "freed"] : expected);
  }
});

Deno.test("RecentTexts forgets what was not used for longest", () => {
  const recent = new RecentTexts(2);
  const encoded = (length: number) => ({ embeddings: new Float32Array(), length });
  recent.set("a", encoded(1));
  recent.set("b", encoded(2));
  assertEquals(recent.get("a")?.length, 1);
  recent.set("c", encoded(3));
  assertEquals(recent.get("b"), undefined);
  assertEquals([recent.get("a")?.length, recent.get("c")?.length], [1, 3]);
  recent.set("a", encoded(4));
  assertEquals([recent.get("a")?.length, recent.get("c")?.length], [4, 3]);
});

Deno.test("chooseForm() leaves what few bits are computed in to the device", async () => {
  await using cpu = await openDevice("cpu", { threads: 1 });
  assertEquals(await chooseForm(cpu, "int8"), { dtype: "float32", bits: 8 });
  assertEquals(await chooseForm(cpu, "auto"), { dtype: "float32", bits: undefined });
  assertEquals(await plannedForm("cuda:1", "int4"), { dtype: "float16", bits: 4 });
  assertEquals(await plannedForm("cpu", "int4"), { dtype: "float32", bits: 4 });
  assertEquals(await plannedForm("webgpu", "float32"), { dtype: "float32", bits: undefined });
  assertEquals([isLarge(umt5Xxl), isLarge(textModels.embedded.sizes)], [true, false]);
});

Deno.test("textNetwork() has every Linear in few bits, scales in the type of its product", async () => {
  for (const dtype of ["float32", "float16"] as const) {
    const { graph, forms } = textNetwork(umt5Xxl, { dtype, bits: 4 });
    assertEquals(forms.size, 24 * 7);
    assertEquals(graph.nodes.filter(({ operator }) => operator === "MatMulNBits").length, 24 * 7);
    assertEquals(graph.nodes.filter(({ operator }) => operator === "Gemm").length, 0);
    for (const [name, { scales, block }] of forms) {
      assertEquals([scales, block], [dtype, 32]);
      const inner = name.includes("fc2") ? 10240 : 4096;
      const { shape, value } = graph.parameters.get(name)!;
      assertEquals([shape[1], shape[2], value.dtype], [inner / 32, 16, "uint8"]);
    }
  }
  const weights = await openSafetensors(textModels.embedded.weights.pathname);
  const { forms } = textNetwork(textModels.embedded.sizes, { dtype: "float32", bits: 8 });
  for (const name of forms.keys()) assert(weights.tensors.has(name), name);
});
