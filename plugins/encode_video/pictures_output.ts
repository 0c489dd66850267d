import { basename, dirname, join } from "@std/path";
import type { Packet } from "node-av/lib";
import { AV_PIX_FMT_RGB24 } from "node-av/constants";
import type { Frames, Media } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import { withPngTexts } from "./bytes.ts";
import { MetadataRecorder } from "./metadata.ts";
import { checkFolder, explain, makeFolder, temporaryName } from "./output_file.ts";
import { type Output, pictureOf } from "./output.ts";
import type { Settings } from "./settings.ts";
import { VideoEncoder } from "./video_encoder.ts";

/** Where the number stands in a pattern, as in C's printf: `%d`, `%5d` or `%05d`. */
const numberField = /%0?(\d*)d/;

/** A folder and the names of the pictures in it. */
interface PictureTarget {
  readonly folder: string;
  readonly pattern: string;
}

/**
 * PNG, one file a picture. With a path they are made in a temporary folder beside their place and
 * moved there at the end; without one they leave as bytes.
 */
export class PicturesOutput implements Output {
  readonly #settings: Settings;
  readonly #target: PictureTarget | undefined;
  #encoder: VideoEncoder | undefined;
  #temporary: string | undefined;
  #madeFolder: string | undefined;
  readonly #names: string[] = [];
  #first = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#target = settings.path === undefined ? undefined : pictureTarget(settings.path);
  }

  async write(frames: Frames): Promise<Media[]> {
    if (this.#encoder === undefined) await this.#start(frames);
    const { title, comment } = new MetadataRecorder(this.#settings.label).with(frames).describe();
    const texts = { Title: title, Comment: comment };
    const parts: Media[] = [];
    for (let i = 0; i < frames.shape[0]; i++) {
      let png = new Uint8Array(0);
      await this.#encoder!.encode(pictureOf(frames, i), false, (packet: Packet) => {
        png = new Uint8Array(packet.data!);
      });
      const data = this.#settings.metadata ? withPngTexts(png, texts) : png;
      const first = frames.first + i;
      if (this.#target === undefined) {
        parts.push({ part: "file", type: "image/png", data, first, frames: 1, key: true });
      } else {
        await this.#write(data, first);
      }
    }
    return parts;
  }

  async finish(): Promise<Media[]> {
    if (this.#target === undefined) return [];
    const { path } = this.#settings;
    const { folder } = this.#target;
    try {
      for (const name of this.#names) {
        await Deno.rename(join(this.#temporary!, name), join(folder, name));
      }
      await Deno.remove(this.#temporary!);
      this.#temporary = this.#madeFolder = undefined;
    } catch (error) {
      throw explain(folder, error);
    }
    return [{
      part: "file",
      type: "image/png",
      data: new Uint8Array(0),
      path: path!,
      first: this.#first,
      frames: this.#names.length,
      key: true,
    }];
  }

  async #start({ shape, first }: Frames): Promise<void> {
    const { path, overwrite, rate } = this.#settings;
    const [, height, width] = shape;
    this.#first = first;
    this.#encoder = await VideoEncoder.open({
      name: "png",
      options: { compression_level: "3" },
      width,
      height,
      format: AV_PIX_FMT_RGB24,
      rgb: true,
      rate,
      gop: 1,
      // More would hold pictures back.
      threads: 1,
    });
    if (this.#target === undefined) return;
    await checkPictureTarget(path!, overwrite);
    const { folder } = this.#target;
    try {
      this.#madeFolder = await makeFolder(folder);
      const temporary = temporaryName(join(folder, "pictures"));
      await Deno.mkdir(temporary);
      this.#temporary = temporary;
    } catch (error) {
      throw explain(folder, error);
    }
  }

  async #write(data: Uint8Array, number: number): Promise<void> {
    const { folder, pattern } = this.#target!;
    const name = pattern.replace(
      numberField,
      (_, width) => String(number).padStart(Number(width), "0"),
    );
    if (!this.#settings.overwrite) await refuseExisting(join(folder, name));
    try {
      await Deno.writeFile(join(this.#temporary!, name), data);
    } catch (error) {
      throw explain(join(folder, name), error);
    }
    this.#names.push(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#encoder?.[Symbol.dispose]();
    this.#encoder = undefined;
    for (const folder of [this.#temporary, this.#madeFolder]) {
      if (folder !== undefined) await Deno.remove(folder, { recursive: true }).catch(() => {});
    }
    this.#temporary = this.#madeFolder = undefined;
  }
}

/**
 * Refuses a path that cannot become numbered pictures, before any work is done.
 * @throws {UserError} naming the path and the way out
 */
export async function checkPictureTarget(path: string, overwrite: boolean): Promise<void> {
  const { folder, pattern } = pictureTarget(path);
  if (!numberField.test(pattern)) {
    const better = path.replace(/\.png$/i, "-%05d.png");
    throw new UserError(
      `Cannot write numbered pictures to ${path}: expected a folder or a pattern with %d. Write ${better}.`,
    );
  }
  if (!overwrite) {
    await refuseExisting(
      join(folder, pattern.replace(numberField, (_, w) => "0".padStart(+w, "0"))),
    );
  }
  await checkFolder(folder, path);
}

function pictureTarget(path: string): PictureTarget {
  if (/\.png$/i.test(path)) return { folder: dirname(path), pattern: basename(path) };
  return { folder: join(path, "."), pattern: "%05d.png" };
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch {
    return;
  }
  throw new UserError(
    `Cannot write ${path}: it exists and overwrite is false. Choose another path, or set overwrite.`,
  );
}
