/** One run: its state, what it has told, and its stream. */
import type { Media, Prompt } from "../pipeline/data.ts";
import type { RunEvent } from "../pipeline/events.ts";
import type { Run } from "../pipeline/run.ts";
import { timeline } from "../pipeline/timeline.ts";
import { Broadcaster } from "./broadcaster.ts";
import { EventLog } from "./event_log.ts";
import { sizeOfInit } from "./movie_size.ts";
import type { Opening } from "./opening.ts";
import type { Plan } from "./plan.ts";
import { ProblemError } from "./problem.ts";
import { isFinal, step } from "./run_state.ts";
import { drawRunId } from "./run_id.ts";
import type { ChunkView, CreateRun, PatchRun, RunServerEvent, RunState, RunView } from "./wire.ts";

/** Chunks and prompts that a view shows at most: a run may go on for days. */
const CHUNKS = 256;
const PROMPTS = 64;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A run of the studio, from its request to its end. */
export class StudioRun {
  readonly id = drawRunId();
  readonly plan: Plan;
  readonly log: EventLog = new EventLog(() => ({ type: "state", run: this.view() }));
  readonly broadcast: Broadcaster = new Broadcaster();
  /** Aborted: the run is cancelled. */
  readonly signal: AbortSignal;
  /** Settles when the run is over and the disk is as it will be. */
  readonly ended: Promise<void>;
  readonly #ending = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  readonly #stages: ReadonlyMap<string, string>;
  readonly #view: Mutable<RunView>;
  readonly #chunks = new Map<number, ChunkView>();
  readonly #prompts: { chunk: number; text: string }[] = [];
  readonly #opening: Opening | undefined;
  #control: Run | undefined;
  #began = 0;
  #firstMedia: { readonly at: number; readonly frames: number } | undefined;
  /** Chunks by stage. */
  readonly #given = new Map<string, number>();
  #openingSeconds = 0;
  #paused = false;

  /** @param opening What it begins with; given back when it is over. */
  constructor(request: CreateRun, plan: Plan, opening?: Opening) {
    this.plan = plan;
    this.#opening = opening;
    this.signal = this.#abort.signal;
    this.ended = this.#ending.promise;
    this.#stages = new Map(plan.stages.map(({ plugin, gives }) => [plugin.name, gives]));
    const { framesTotal, chunksTotal, endless, fps, seed, pipeline } = plan;
    this.#prompts.push({ chunk: 0, text: request.prompt });
    this.#view = {
      id: this.id,
      state: "queued",
      prompt: request.prompt,
      prompts: [],
      seed,
      pipeline,
      options: { ...request.options },
      extend: request.extend ?? true,
      createdAt: new Date().toISOString(),
      paused: false,
      endless,
      stopped: false,
      frames: 0,
      framesTotal,
      chunksTotal,
      fps,
      timings: { seconds: 0, stages: [] },
      chunks: [],
      stream: `/api/runs/${this.id}/stream`,
      ...(request.frames !== undefined && { framesAsked: request.frames }),
      ...(opening !== undefined && { opening: opening.view }),
      ...(request.timeline !== undefined && { timeline: request.timeline }),
    };
  }

  get state(): RunState {
    return this.#view.state;
  }

  get over(): boolean {
    return isFinal(this.state);
  }

  /** What to show first, and what the pipeline has take its place. */
  get prompt(): Prompt {
    const { seed, timeline: later, fps } = this.plan;
    const { kind, path, strength } = this.#opening ?? {};
    const begin = kind !== undefined && { [kind]: path };
    const over = strength !== undefined && { strength };
    return timeline({ text: this.#view.prompt, seed, ...begin, ...over }, later, { fps });
  }

  /** The run as it is now. */
  view(): RunView {
    const timings = this.#control?.timings;
    return {
      ...this.#view,
      paused: this.#paused && !this.over,
      prompts: [...this.#prompts],
      chunks: [...this.#chunks.values()],
      ...(timings !== undefined && {
        timings: { seconds: timings.seconds, stages: timings.stages },
      }),
    };
  }

  /** Changes the place in the queue, from 1. */
  queueAt(position: number): void {
    if (this.#view.position === position) return;
    this.#view.position = position;
    this.#tellState();
  }

  /** Leaves the queue. */
  start(): void {
    this.#move("starting");
    this.#began = performance.now();
    this.#view.startedAt = new Date().toISOString();
    delete this.#view.position;
    this.#tellState();
  }

  /** Is made by `control` from now on. */
  attach(control: Run): void {
    this.#control = control;
    if (this.#paused) control.pause();
  }

  /** Hears what the runner tells. */
  hear(event: RunEvent): void {
    const at = this.#at();
    switch (event.type) {
      case "step": {
        const { stage, chunk, step, steps } = event;
        return this.log.add({ type: "step", stage, chunk, step, steps, at });
      }
      case "prompt": {
        const { stage, text } = event;
        const rewritten = this.#stages.get(stage) === "prompt";
        const chunk = rewritten ? this.#made() : event.chunk;
        if (rewritten && text === this.#view.prompt) delete this.#view.extendedPrompt;
        else if (rewritten) this.#view.extendedPrompt = text;
        return this.log.add({ type: "prompt", stage, chunk, text, at });
      }
      case "note":
      case "warning":
        return this.log.add({ type: "warning", message: this.#outside(event.message), at });
      case "chunk":
        return this.#hearChunk(event, at);
    }
  }

  #hearChunk(
    { stage, seconds, frames }: Extract<RunEvent, { type: "chunk" }>,
    at: number,
  ): void {
    const gives = this.#stages.get(stage);
    // What opens a stream is no chunk of it, but its time went into the first.
    if (gives === "media" && frames === 0) {
      this.#openingSeconds = seconds;
      return;
    }
    if (gives === "media") {
      seconds += this.#openingSeconds;
      this.#openingSeconds = 0;
    }
    const text = isText(gives);
    const index = text ? this.#made() : this.#given.get(stage) ?? 0;
    if (!text) this.#given.set(stage, index + 1);
    const chunk = this.#chunks.get(index) ?? { index, frames: 0, stages: {} };
    this.#chunks.set(index, {
      index,
      frames: gives === "frames" ? frames : chunk.frames,
      stages: { ...chunk.stages, [stage]: (chunk.stages[stage] ?? 0) + seconds },
    });
    if (this.#chunks.size > CHUNKS) this.#chunks.delete(this.#chunks.keys().next().value!);
    this.log.add({ type: "chunk", stage, chunk: index, seconds, frames, at });
  }

  /** Chunks that are made: the next is the first that a new prompt can change. */
  #made(): number {
    for (const [stage, gives] of this.#stages) {
      if (!isText(gives)) return this.#given.get(stage) ?? 0;
    }
    return 0;
  }

  /** Passes a piece of the stream on to whoever watches. */
  pass(media: Media): void {
    const { part, data, frames, key } = media;
    if (part === "init") {
      this.#view.mediaType = media.type;
      Object.assign(this.#view, sizeOfInit(data));
      this.broadcast.open(data);
      return this.#tellState();
    }
    if (part !== "segment") return;
    const at = this.#at();
    if (this.state === "starting") {
      this.#move("streaming");
      this.#view.firstFrameSeconds = at;
      this.#tellState();
    }
    this.#view.frames += frames;
    this.broadcast.push({ data, key });
    if (this.#firstMedia === undefined) this.#firstMedia = { at, frames };
    else if (at > this.#firstMedia.at) {
      const speed = (this.#view.frames - this.#firstMedia.frames) / (at - this.#firstMedia.at);
      this.#view.framesPerSecond = speed;
      this.#view.realTimeFactor = speed / this.plan.fps;
    }
    const { firstFrameSeconds = at, framesPerSecond, realTimeFactor } = this.#view;
    this.log.add({
      type: "media",
      frames: this.#view.frames,
      bytes: data.length,
      firstFrameSeconds,
      ...(framesPerSecond !== undefined && { framesPerSecond }),
      ...(realTimeFactor !== undefined && { realTimeFactor }),
      at,
    });
  }

  /**
   * Changes a run that goes on.
   *
   * @throws {ProblemError} where its state does not allow it.
   */
  patch({ prompt, action }: PatchRun): void {
    if (this.over) {
      throw new ProblemError("conflict", `The run is over (${this.state}): start another one.`);
    }
    if (prompt !== undefined) {
      const waits = this.#control === undefined;
      if (waits) this.#prompts.length = 0;
      this.#view.prompt = prompt;
      this.#prompts.push({ chunk: this.#made(), text: prompt });
      if (this.#prompts.length > PROMPTS) this.#prompts.shift();
      if (!waits) this.#control?.prompt({ text: prompt, seed: this.plan.seed });
    }
    if (action === "pause" || action === "resume") {
      this.#paused = action === "pause";
      this.#control?.[action]();
    }
    if (action === "stop") this.stop();
    else this.#tellState();
  }

  /** Makes no further chunk. Before its first picture that is as much as cancelling. */
  stop(): void {
    this.#view.stopped = true;
    this.#paused = false;
    if (this.state === "streaming") this.#control?.stop();
    else this.cancel();
    this.#tellState();
  }

  /** Ends the run at once; one that waits is over when this returns, others soon after. */
  cancel(): void {
    this.#abort.abort(new DOMException("The run was cancelled.", "AbortError"));
    if (this.state === "queued") this.end("cancelled");
  }

  /** What the gallery keeps of it. */
  finished(bytes: number): RunView {
    const { stream: _, ...view } = this.view();
    return {
      ...view,
      state: step(this.state, "finished"),
      endedAt: new Date().toISOString(),
      video: `/api/runs/${this.id}/video`,
      poster: `/api/runs/${this.id}/poster`,
      bytes,
    };
  }

  /** It is in the gallery as `view`. */
  finish(view: RunView): void {
    this.#move("finished");
    Object.assign(this.#view, view);
    this.#close();
  }

  /** It is over without a video. */
  end(state: "cancelled" | "failed", error?: string): void {
    this.#move(state);
    delete this.#view.position;
    this.#view.endedAt = new Date().toISOString();
    if (error !== undefined) this.#view.error = this.#outside(error);
    this.#close();
  }

  /** Words for clients, which are not to learn where files are. */
  #outside(message: string): string {
    if (this.#opening === undefined) return message;
    const { path, name } = this.#opening;
    const told = message.replaceAll(path, name);
    return told.charAt(0).toUpperCase() + told.slice(1);
  }

  #close(): void {
    delete this.#view.stream;
    // The view keeps the timings; stages and what they hold are let go.
    Object.assign(this.#view, { timings: this.view().timings });
    this.#control = undefined;
    this.#opening?.[Symbol.dispose]();
    this.broadcast.end();
    this.log.end({ type: "done", run: this.view() });
    this.#ending.resolve();
  }

  #move(state: RunState): void {
    this.#view.state = step(this.state, state);
  }

  #tellState(): void {
    const event: RunServerEvent = { type: "state", run: this.view() };
    this.log.add(event);
  }

  /** Seconds since it left the queue. */
  #at(): number {
    return (performance.now() - this.#began) / 1000;
  }
}

/** Whether a kind of data belongs to a prompt, not to a chunk. */
function isText(kind: string | undefined): boolean {
  return kind === "prompt" || kind === "conditioning";
}
