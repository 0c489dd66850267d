/** Pictures, clips and the reference's configs from anywhere, given to the program. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { png } from "../plugins/_png.ts";
import { assertNothingOpen, sluice } from "../_sluice.ts";

const GENERATE = ["generate", "a red ball bounces", "--out", "o.mp4"];

/** What the program says of a file that is the user's mistake; nothing may come of it. */
async function refusal(
  words: readonly string[],
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const { code, out, err, files: made } = await sluice([...GENERATE, ...words], files);
  assertEquals([code, out, made], [2, "", []], err);
  assertNothingOpen();
  return err;
}

/** A PNG whose header says other sizes than it has. */
function claiming(width: number, height: number): Uint8Array {
  const bytes = png(8, 8, () => [0, 0, 0]);
  new DataView(bytes.buffer).setUint32(16, width);
  new DataView(bytes.buffer).setUint32(20, height);
  return bytes;
}

Deno.test("a picture that is none is refused by its path, with what may be given", async () => {
  const cases: [name: string, content: Uint8Array | string, reason: string][] = [
    ["words.png", "no picture, honestly\n".repeat(99), "words.png cannot be read as a picture: "],
    ["empty.png", "", "empty.png cannot be read as a picture: "],
    ["page.jpg", "<!doctype html><title>404</title>", "page.jpg cannot be read as a picture: "],
    ["half.png", png(64, 64, (x, y) => [x, y, x ^ y]).slice(0, 60), "half.png"],
    // A playlist would have the decoder ask the network.
    ["list.png", "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n", "list.png cannot be read"],
  ];
  for (const [name, content, reason] of cases) {
    assertStringIncludes(await refusal(["--image", name], { [name]: content }), reason);
  }
  assertStringIncludes(
    await refusal(["--image", "none.png"], {}),
    "--image: there is no file none.png",
  );
});

Deno.test("a picture 20,000 pixels wide is refused by its size, true or claimed", async () => {
  const wide = png(20_000, 1300, () => [1, 2, 3]);
  assertStringIncludes(
    await refusal(["--image", "wide.png"], { "wide.png": wide }),
    "20000 × 1300 pixels: expected at most 8192",
  );
  assertStringIncludes(
    await refusal(["--image", "bomb.png"], { "bomb.png": claiming(20_000, 20_000) }),
    "bomb.png cannot be read as a picture: nothing in it of at most 8192 pixels a side can be decoded",
  );
});

Deno.test("a clip that is none is refused by its path", async () => {
  for (
    const [name, content] of [["words.mp4", "no clip\n".repeat(50)], ["empty.mp4", ""]] as const
  ) {
    assertStringIncludes(
      await refusal(["--video", name], { [name]: content }),
      `${name} cannot be read as a clip: `,
    );
  }
});

Deno.test("a config of the reference with an unknown key is refused by file, line and name", async () => {
  const text = "generator_ckpt: checkpoints/ode_init.pt\n" +
    "denoising_step_list:\n- 1000\n- 500\nwarp_denoising_step: true\nnum_frame_per_blok: 3\n";
  assertStringIncludes(
    await refusal(["--config", "./mine.yaml"], { "mine.yaml": text }),
    "error: ./mine.yaml:6:1: num_frame_per_blok: there is no such key in the reference's configs. " +
      'Did you mean "num_frame_per_block"?',
  );
  assertStringIncludes(
    await refusal(["--config", "./mine.yaml"], {
      "mine.yaml": text.replace("blok: 3", "block: x"),
    }),
    "error: ./mine.yaml:6:1: num_frame_per_block: ",
  );
  const several = await refusal(["--config", "./mine.yaml"], {
    "mine.yaml": text.replace("step: true", "step: 3\ntimestep_shfit: 5"),
  });
  assertEquals(several.match(/^error: .*|^ {2}\S+: \w+:/gm), [
    "error: 3 problems in ./mine.yaml:",
    "  ./mine.yaml:5:1: warp_denoising_step:",
    "  ./mine.yaml:6:1: timestep_shfit:",
    "  ./mine.yaml:7:1: num_frame_per_blok:",
  ]);
});
