/** Prompts in a file, one a line. */
import { mistake } from "./failure.ts";
import { slug } from "./file_name.ts";

/** Largest file of prompts, in bytes. */
const LARGEST = 10e6;

/** One video of a batch. */
export interface BatchItem {
  readonly prompt: string;
  readonly seed: number;
  /** Name without the folder it is in, the same every time: `007-a-red-ball-1.mp4`. */
  readonly name: string;
}

/** The prompts of a file; empty lines and those that begin with # are left out. */
export async function readPrompts(path: string): Promise<string[]> {
  let bytes: Uint8Array;
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw mistake(`--prompts: ${path} is no file.`);
    if (size > LARGEST) {
      throw mistake(`--prompts: ${path} has more than ${LARGEST / 1e6} MB: split it.`);
    }
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw mistake(`--prompts: there is no file ${path}.`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw mistake(`--prompts: cannot read ${path}: ${error.message}`);
    }
    throw error;
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw mistake(`--prompts: ${path} is no text in UTF-8: expected a prompt a line.`);
  }
  const prompts = text.split(/\r\n|\n|\r/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (prompts.length === 0) {
    throw mistake(`--prompts: there is no prompt in ${path}: expected one a line.`);
  }
  return prompts;
}

/** The videos of a batch: of each prompt so many, with one seed after the other. */
export function planBatch(
  prompts: readonly string[],
  { seed, samples, extension }: {
    readonly seed: number;
    readonly samples: number;
    /** Of the files; undefined where each video is a folder of pictures. */
    readonly extension: string | undefined;
  },
): BatchItem[] {
  const digits = Math.max(3, String(prompts.length).length);
  return prompts.flatMap((prompt, i) =>
    Array.from({ length: samples }, (_, sample) => {
      const number = String(i + 1).padStart(digits, "0");
      const own = seed + sample;
      const name = `${number}-${slug(prompt)}-${own}`;
      return { prompt, seed: own, name: extension === undefined ? name : `${name}.${extension}` };
    })
  );
}
