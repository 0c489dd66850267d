/**
 * A third party's plugin, composed in code and named by a config.
 *
 *     deno run -A tests/examples/third_party.ts
 */
import {
  configToPipeline,
  decode,
  diffuse,
  encodeText,
  type Frames,
  loadConfig,
  type Media,
  pipe,
  plugins,
} from "sluice";
import { fromFileUrl } from "@std/path";
import grey from "./grey.ts";

/** In code the plugin is a function like any other. */
export async function inCode(text: string, amount: number): Promise<Frames[]> {
  const pictures = pipe(encodeText(), diffuse({ latentFrames: 3 }), decode(), grey({ amount }));
  await using open = await pictures.open();
  return await Array.fromAsync(open.run({ text, seed: 1 }));
}

/** In a config it is named by its file. The pieces of an MP4 are given as bytes. */
export async function fromConfig(text: string): Promise<Media[]> {
  const path = fromFileUrl(new URL("./grey.yaml", import.meta.url));
  const config = await loadConfig(path, { plugins });
  await using open = await configToPipeline(config).open();
  return await Array.fromAsync(open.run({ text, seed: 1 })) as Media[];
}

if (import.meta.main) {
  const text = "a red ball bounces on a green floor";
  for (const { shape } of await inCode(text, 1)) console.log(`${shape[0]} grey pictures`);
  for (const { part, type, data } of await fromConfig(text)) {
    console.log(`${part}: ${data.length} bytes of ${type}`);
  }
}
