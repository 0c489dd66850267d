/** A run from the device's being free to the gallery. */
import { StageError, UserError } from "../pipeline/errors.ts";
import { joinStages } from "../pipeline/pipe.ts";
import type { DataKinds } from "../pipeline/data.ts";
import type { Gallery } from "./gallery.ts";
import { makePoster, makeSeekable } from "./media_file.ts";
import { Pace } from "./pace.ts";
import type { StudioRun } from "./run.ts";
import type { StageCache } from "./stage_cache.ts";

/** What runs are made with. */
export interface Workshop {
  readonly gallery: Gallery;
  readonly stages: StageCache;
  /** Overrides the pipeline's own. */
  readonly device: string | undefined;
  readonly threads: number | undefined;
  /** Folder that relative paths in options start from. */
  readonly directory: string;
  readonly warn: (message: string) => void;
}

/** Bytes at which a run is ended as if it were stopped: an endless one must not fill the disk. */
const LARGEST_FILE = 4 * 2 ** 30;

/**
 * Seconds that an endless run may be ahead of who watches it: made faster, it would only fill the disk, and a new
 * prompt would be seen late.
 */
const ENDLESS_LEAD = 2;

/** How a run ended for the engine: well, or so that its stages cannot be trusted. */
export type Outcome = { readonly broken?: unknown };

/** Makes a run, whatever becomes of it; never rejects. */
export async function execute(run: StudioRun, workshop: Workshop): Promise<Outcome> {
  let broken: unknown;
  try {
    run.start();
    await using draft = await workshop.gallery.begin(run.id);
    const frames = await make(run, workshop, draft.path("stream"), (error) => {
      // A full disk or a wrong option says nothing of the engine.
      if (run.signal.aborted || !(error instanceof StageError)) return false;
      broken = error;
      return true;
    });
    run.signal.throwIfAborted();
    if (frames === 0) throw new NothingMade();
    run.broadcast.end();
    await makeSeekable(draft.path("stream"), draft.path("video"));
    await makePoster(draft.path("video"), draft.path("poster"));
    const { size } = await Deno.stat(draft.path("video"));
    const view = run.finished(size);
    await draft.publish({ version: 1, run: view, config: run.plan.config });
    run.finish(view);
  } catch (error) {
    if (run.signal.aborted || error instanceof NothingMade) run.end("cancelled");
    else {
      const message = error instanceof Error ? error.message : String(error);
      if (!(error instanceof UserError)) workshop.warn(`The run ${run.id} failed: ${message}`);
      run.end("failed", message);
    }
  }
  return broken === undefined ? {} : { broken };
}

/** It was stopped before there was a picture. */
class NothingMade extends Error {}

/** Opens the pipeline, and writes and passes on what it gives. Gives the number of pictures. */
async function make(
  run: StudioRun,
  workshop: Workshop,
  path: string,
  breaks: (error: unknown) => boolean,
): Promise<number> {
  let spoilt = false;
  const { device = run.plan.device, threads, directory, warn } = workshop;
  const pipeline = joinStages(workshop.stages.lend(run.plan.stages, () => spoilt));
  try {
    await using open = await pipeline.open({
      directory,
      warn,
      signal: run.signal,
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
    });
    using file = await Deno.open(path, { write: true, createNew: true });
    try {
      let [frames, bytes] = [0, 0];
      const pace = new Pace(ENDLESS_LEAD);
      const control = open.run(run.prompt, {
        live: true,
        signal: run.signal,
        onEvent: (event) => run.hear(event),
      });
      run.attach(control);
      for await (const datum of control) {
        const media = datum as DataKinds["media"];
        run.pass(media);
        await writeAll(file, media.data);
        frames += media.frames;
        if ((bytes += media.data.length) > LARGEST_FILE) run.stop();
        if (run.plan.endless) await pace.keep(media.frames / run.plan.fps, run.signal);
      }
      return frames;
    } catch (error) {
      // Told before the pipeline closes and gives its stages back.
      spoilt = breaks(error);
      throw error;
    }
  } catch (error) {
    breaks(error);
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
