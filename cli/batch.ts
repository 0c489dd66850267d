/** `generate --prompts`: many videos with one loading of the model, gone on with where it was left. */
import { join } from "@std/path";
import { joinStages } from "../pipeline/pipe.ts";
import type { StageSpec } from "../pipeline/plugin.ts";
import type { OpenPipeline } from "../pipeline/run.ts";
import type { App } from "./app.ts";
import { type Failure, failureOf, Interrupted, mistake } from "./failure.ts";
import { BatchFolder, workPlace } from "./batch_folder.ts";
import { BatchView } from "./batch_view.ts";
import { seconds } from "./progress.ts";
import { type BatchItem, planBatch, readPrompts } from "./prompts_file.ts";
import { prepare, type Ready, type Request } from "./request.ts";
import { onLeaving } from "./signals.ts";

/** What a batch is made of, beside what each of its videos is. */
export interface BatchRequest extends Omit<Request, "prompt"> {
  /** File of prompts, one a line. */
  readonly prompts: string;
  /** Videos of each prompt. */
  readonly samples: number;
}

/** What became of one video. */
interface Made {
  readonly path: string;
  readonly prompt: string;
  readonly seed: number;
  readonly frames: number;
  readonly seconds: number;
}

/** What became of a batch: what `--json` prints. */
interface Outcome {
  readonly made: Made[];
  /** How many were there before. */
  readonly skipped: number;
  readonly failed: (Failure & { readonly path: string })[];
}

/** Makes a video of each prompt in a file, those left out that are there already. */
export async function generateBatch(
  app: App,
  request: BatchRequest,
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): Promise<void> {
  const { screen } = app;
  const prompts = await readPrompts(request.prompts);
  const { samples, out: folder = "." } = request;
  if (samples < 1) throw mistake(`--num-samples: expected at least 1, got ${samples}.`);
  const ready = await readyFor(app, request, prompts[0]!);
  const items = planBatch(prompts, { seed: ready.seed, samples, extension: extensionOf(ready) });
  await makeFolder(folder);
  const left = items.filter(({ name }) => !exists(join(folder, name)));
  const skipped = items.length - left.length;
  using view = new BatchView(screen, ready.plan, quiet || json);
  if (skipped > 0) view.say(`${skipped} of ${items.length} videos are there already.`);
  const outcome: Outcome = { made: [], skipped, failed: [] };
  const { made, failed } = outcome;
  const work = { ready, request, items, left, folder, view };
  if (left.length > 0) {
    await makeEach(work, outcome, {
      made: ({ path }) => quiet && !json && screen.out(path),
      failed: (line) => !json && view.fail(line),
    });
  }
  app.exitCode ||= failed[0]?.code ?? 0;
  if (json) screen.out(JSON.stringify(outcome));
  view.say(`${made.length} made, ${skipped} there before, ${failed.length} failed, in ${folder}`);
}

/** The request of one video, made ready. The file's name is each video's own; this one's is never written. */
async function readyFor(app: App, request: BatchRequest, prompt: string): Promise<Ready> {
  const ready = await prepare(app, { ...request, prompt, out: undefined }, await app.plugins());
  if (!ready.prompt.then) return ready;
  throw mistake(
    `--prompts makes a video of each line, and the pipeline "${ready.config.name}" has a timeline, which changes ` +
      "the prompt in the course of one: take it out (--set timeline=[]), or make the videos one by one.",
  );
}

/** What is to be made. */
interface Work {
  readonly ready: Ready;
  readonly request: BatchRequest;
  /** All videos of the batch. */
  readonly items: readonly BatchItem[];
  /** Those of them that are not there yet. */
  readonly left: readonly BatchItem[];
  readonly folder: string;
  readonly view: BatchView;
}

/** Makes what is left, one after the other, whatever fails; what becomes of each is noted in `outcome`, and told. */
async function makeEach(
  { ready, request, items, left, folder, view }: Work,
  { made, skipped, failed }: Outcome,
  tell: { readonly made: (one: Made) => unknown; readonly failed: (line: string) => unknown },
): Promise<void> {
  const abort = new AbortController();
  const giveUp = () => {
    const whole = `${skipped + made.length} of ${items.length}`;
    const message = `Given up with ${whole} videos made: the same command goes on from here.`;
    abort.abort(new Interrupted(message));
  };
  using _listening = onLeaving({ stop: giveUp, abort: giveUp });
  await using _folder = await BatchFolder.enter(folder, left.map(({ name }) => name));
  const batch = new Batch(ready, request, abort.signal, view);
  await using open = await batch.open();
  for (const item of left) {
    const path = join(folder, item.name);
    const place = `[${items.indexOf(item) + 1}/${items.length}]`;
    try {
      view.begin(place);
      const one = await batch.make(open, item, path);
      made.push(one);
      tell.made(one);
      view.say(`${place} ${path}: ${one.frames} frames in ${seconds(one.seconds)}`);
    } catch (error) {
      if (abort.signal.aborted) throw abort.signal.reason;
      // One prompt that cannot be used is no reason to lose the others.
      const failure = failureOf(error);
      failed.push({ path, ...failure });
      tell.failed(`${place} ${path}: error: ${failure.message}`);
    }
  }
}

/** All stages but the last are loaded once; the last writes one file, and is made anew for each. */
class Batch {
  readonly #ready: Ready;
  readonly #request: BatchRequest;
  readonly #signal: AbortSignal;
  readonly #view: BatchView;
  readonly #writer: StageSpec;

  constructor(
    ready: Ready,
    request: BatchRequest,
    signal: AbortSignal,
    view: BatchView,
  ) {
    this.#ready = ready;
    this.#request = request;
    this.#signal = signal;
    this.#view = view;
    this.#writer = ready.config.stages.at(-1)!.spec;
  }

  open(): Promise<OpenPipeline> {
    const stages = this.#ready.config.stages.slice(0, -1).map(({ spec }) => spec);
    return joinStages(stages).open({
      ...this.#opening(),
      onEvent: (event) => this.#view.hearOpening(event),
    });
  }

  async make(open: OpenPipeline, { prompt: text, seed }: BatchItem, path: string): Promise<Made> {
    const begun = performance.now();
    const prompt = { ...this.#ready.prompt, text, seed };
    const work = workPlace(path, extensionOf(this.#ready) === undefined);
    const options = { ...this.#writer.options as object, path: work };
    await using writer = await joinStages([this.#writer.plugin(options)]).open(this.#opening());
    await using run = open.run(prompt, {
      signal: this.#signal,
      onEvent: (event) => this.#view.hear(event),
    });
    let frames = 0;
    for await (const media of writer.run(run, { signal: this.#signal })) {
      frames = (media as { readonly frames?: number }).frames ?? frames;
    }
    if (work !== path) await giveName(work, path);
    return { path, prompt: text, seed, frames, seconds: (performance.now() - begun) / 1000 };
  }

  #opening() {
    const device = this.#request.device ?? this.#ready.config.device;
    const { threads } = this.#request;
    return {
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
      signal: this.#signal,
      warn: (message: string) => this.#view.warn(message),
    };
  }
}

/** The ending of the batch's files; none where each video is a folder of pictures. */
function extensionOf({ config }: Ready): string | undefined {
  const { container } = (config.stages.at(-1)?.spec.options ?? {}) as { container?: unknown };
  if (container === "png") return undefined;
  return typeof container === "string" ? container : "mp4";
}

/** Gives a whole folder its name; one that another batch has made meanwhile holds the same, and stays. */
async function giveName(work: string, path: string): Promise<void> {
  try {
    await Deno.rename(work, path);
  } catch (error) {
    if (!exists(path)) throw error;
    await Deno.remove(work, { recursive: true });
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw mistake(`--out: cannot make the folder ${path}: ${(error as Error).message}`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
