import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostTensor } from "../../engine/tensor/mod.ts";
import { writeSafetensors } from "../../engine/weights/mod.ts";
import { run } from "./_run.ts";

const golden = (name: string) =>
  decodeURIComponent(new URL(`../golden/${name}`, import.meta.url).pathname);

Deno.test("weights inspect shows format, totals, metadata and folded names", async () => {
  const { code, out } = await run(["weights", "inspect", golden("checkpoint_extras.pt")]);
  assertEquals(code, 0);
  const lines = out.split("\n");
  assertEquals(lines.slice(0, 4), [
    `${golden("checkpoint_extras.pt")}: torch checkpoint, 4.63 kB`,
    "15 tensors, 46 parameters",
    "  float64   1 tensor   3 parameters   24 bytes",
    "  float32   6 tensors  21 parameters  84 bytes",
  ]);
  assertStringIncludes(out, "\nchoose with #state_dict, #list, #nested\n");
  assertStringIncludes(out, "\n  big_int  1099511627776\n");
  assertStringIncludes(out, "\n  state_dict.f32        [2, 3]  float32\n");
  const small = await run(["weights", "inspect", `${golden("checkpoint_small.pt")}#generator`]);
  assertStringIncludes(small.out, "8.80 kB, #generator of it\n12 tensors, 476 parameters\n");
  assertStringIncludes(small.out, "model.blocks.0.ffn.2.bias ");
  assertStringIncludes(small.out, "elements lie apart");
});

Deno.test("weights inspect tames names and metadata for the terminal", async () => {
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    const one = hostTensor("float16", [1], new Float16Array(1));
    await writeSafetensors(
      path,
      ["blocks.0.w", "blocks.1.w", "x\x1b[2J"].map((name) => [name, one]),
      { "k\ney": "a\x1b]0;b\x07c" },
    );
    const { out } = await run(["weights", "inspect", path]);
    assertEquals(/(?!\n)\p{Cc}/u.test(out), false);
    assertStringIncludes(out, "\n  k ey  a ]0;b c\n");
    assertStringIncludes(out, "\n  blocks.0-1.w  [1]  float16  ×2\n");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("weights inspect gives JSON, and 2 with the reason for what cannot be used", async () => {
  const { out } = await run(["weights", "inspect", "--json", golden("checkpoint_small_bf16.pth")]);
  const report = JSON.parse(out);
  assertEquals([report.format, report.tensors, report.parameters], ["torch", 5, 368]);
  assertEquals(report.families[0].name, "token_embedding.weight");
  for (
    const [file, reason] of [
      [golden("checkpoint_malicious.pt"), "it wants os.system"],
      [`${golden("checkpoint_small.pt")}#ema`, "expected #generator, #generator_ema"],
      ["/nowhere/a.pt", "there is no such file"],
    ] as const
  ) {
    const { code, err } = await run(["weights", "inspect", file]);
    assertEquals(code, 2);
    assertStringIncludes(err, reason);
    const json = await run(["weights", "inspect", file, "--json"]);
    assertStringIncludes(JSON.parse(json.out).error.message, reason);
  }
  const help = await run(["weights", "inspect", "--help"]);
  assertStringIncludes(help.out, "Examples:");
});
