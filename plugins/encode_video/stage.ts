import type { Frames, Media } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { CreateContext, RunContext, Stage } from "../../pipeline/stage.ts";
import { AnimationOutput } from "./animation_output.ts";
import { checkNvenc, MovieOutput } from "./movie_output.ts";
import { quiet } from "./_native.ts";
import type { EncodeVideoOptions } from "./options.ts";
import { checkTarget } from "./output_file.ts";
import type { Output } from "./output.ts";
import { checkPictureTarget, PicturesOutput } from "./pictures_output.ts";
import { resolveSettings, type Settings } from "./settings.ts";

/**
 * Checks options, path and encoder now, so that a mistake does not cost a whole run.
 * @throws {UserError} if the options contradict each other or the machine
 */
export async function createEncodeVideo(
  options: EncodeVideoOptions,
  context: Pick<CreateContext, "threads" | "directory" | "device">,
): Promise<Stage<"frames", "media">> {
  const settings = resolveSettings(options, context);
  quiet();
  const { container, path, overwrite, video } = settings;
  if (path !== undefined) {
    if (container === "png") await checkPictureTarget(path, overwrite);
    else await checkTarget(path, overwrite);
  }
  if (video?.backends.length === 1 && video.backends[0] === "nvenc") {
    await checkNvenc(settings, video);
  }
  return new EncodeVideo(settings);
}

class EncodeVideo implements Stage<"frames", "media"> {
  readonly name = "encode-video";
  readonly takes = "frames";
  readonly gives = "media";
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async *process(
    input: AsyncIterable<Frames>,
    { signal, stop, report }: RunContext,
  ): AsyncGenerator<Media, void> {
    signal.throwIfAborted();
    await using output = openOutput(this.#settings);
    let shape: Frames["shape"] | undefined;
    for await (const frames of untilAborted(input, signal)) {
      checkFrames(frames, shape);
      shape ??= frames.shape;
      if (frames.shape[0] === 0) continue;
      yield* reported(await output.write(frames), report);
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
    if (shape === undefined) {
      // A run that was stopped before its first chunk did what it was told.
      if (stop.aborted) return;
      throw new UserError(
        "There is nothing to encode: no picture was made. Check the number of frames that the pipeline is asked for.",
      );
    }
    yield* reported(await output.finish(), report);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Everything native belongs to a run and is freed with it.
  }
}

function openOutput(settings: Settings): Output {
  if (settings.video !== undefined) return new MovieOutput(settings, settings.video);
  if (settings.container === "png") return new PicturesOutput(settings);
  return new AnimationOutput(settings);
}

function* reported(parts: Media[], report: RunContext["report"]): Generator<Media> {
  for (const part of parts) {
    report({ type: "bytes", bytes: part.data.length });
    yield part;
  }
}

function checkFrames({ data, shape, index }: Frames, before: Frames["shape"] | undefined): void {
  const [count, height, width, channels] = shape;
  if (data.length !== count * height * width * channels || channels !== 3) {
    throw new TypeError(
      `Cannot encode chunk ${index}: expected ${
        count * height * width * 3
      } bytes of RGB for [${shape}], got ${data.length}.`,
    );
  }
  if (before !== undefined && (before[1] !== height || before[2] !== width)) {
    throw new TypeError(
      `Cannot encode chunk ${index}: the size of its pictures changed within the run, expected ${
        before[2]
      }×${before[1]}, got ${width}×${height}. Begin a new run for another size.`,
    );
  }
}

/** The stream as it comes, given up the moment the signal is aborted. */
async function* untilAborted<T>(input: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = input[Symbol.asyncIterator]();
  let ended = false;
  try {
    while (true) {
      const result = await unlessAborted(iterator.next(), signal);
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
    }
  } finally {
    // A source that still waits would make its return wait too: an aborted one is not waited for.
    if (!ended) {
      const returned = iterator.return?.();
      if (signal.aborted) returned?.catch(() => {});
      else await returned;
    }
  }
}

/**
 * `promise`, or a rejection as soon as the signal is aborted. Not `Promise.race` against one promise of the
 * whole stream: that would keep every chunk alive until the stream's end.
 */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
