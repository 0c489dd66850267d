/** A run of `generate`, from a ready request to the report. */
import { joinStages } from "../pipeline/pipe.ts";
import type { StageSpec } from "../pipeline/plugin.ts";
import type { OpenPipeline, Run } from "../pipeline/run.ts";
import type { RunEvent } from "../pipeline/events.ts";
import { formatTime } from "../pipeline/timeline.ts";
import type { App } from "./app.ts";
import { Interrupted, mistake } from "./failure.ts";
import { Player, TAP, tap } from "./preview.ts";
import { advance, advanceOpening, BEGINNING, oneLine, type Progress, rate } from "./progress.ts";
import { type Report, summary } from "./report.ts";
import { prepare, type Ready, type Request } from "./request.ts";
import type { Screen } from "./screen.ts";
import { INTERRUPTED, onLeaving } from "./signals.ts";
import { LiveView, PlainView, QuietView, type View } from "./view.ts";

/** How a run shows itself. */
export interface Showing {
  readonly preview: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Makes the video that was asked for, and tells of it. */
export async function generate(app: App, request: Request, showing: Showing): Promise<void> {
  const { screen } = app;
  if (showing.preview) checkPreview(screen);
  const ready = await prepare(app, request, await app.plugins());
  const view = viewOf(screen, ready, showing);
  const report = await new Generation(app, request, ready, view, showing).run();
  if (report.stopped) app.exitCode = INTERRUPTED;
  if (showing.json) screen.out(JSON.stringify(report));
  else if (showing.quiet) screen.out(report.path);
  else for (const line of summary(report)) screen.err(`${line}\n`);
}

function checkPreview(screen: Screen): void {
  if (!screen.live) {
    throw mistake("--preview draws in a terminal, and standard error is none: leave it out.");
  }
  if (!screen.colours) {
    throw mistake("--preview draws in colours, and NO_COLOR forbids them: leave out one of them.");
  }
}

function viewOf(screen: Screen, { plan }: Ready, { json, quiet }: Showing): View {
  if (quiet || (json && !screen.live)) return new QuietView(screen);
  return screen.live ? new LiveView(screen, plan) : new PlainView(screen, plan);
}

/** Milliseconds between two looks at the clock while nothing else happens. */
const TICK = 100;

/** One run and what is known of it. */
class Generation {
  readonly #app: App;
  readonly #request: Request;
  readonly #ready: Ready;
  readonly #view: View;
  readonly #player: Player | undefined;
  readonly #abort = new AbortController();
  readonly #paths = new Set<string>();
  #run: Run | undefined;
  #progress: Progress = BEGINNING;
  /** When the run began, in seconds since the program started; undefined while loading. */
  #early: number | undefined;
  #over = false;
  #stopped = false;

  constructor(app: App, request: Request, ready: Ready, view: View, { preview }: Showing) {
    this.#app = app;
    this.#request = request;
    this.#ready = ready;
    this.#view = view;
    if (preview) {
      // One line for the progress, one column so that no line wraps.
      const room = () => {
        const { columns, rows } = app.screen.size();
        return { columns: columns - 1, rows: rows - 2 };
      };
      this.#player = new Player(ready.plan.fps, room, (picture) => view.picture(picture));
    }
  }

  async run(): Promise<Report> {
    using _listening = onLeaving({ stop: () => this.#stop(), abort: () => this.#giveUp() });
    const ticking = setInterval(() => this.#show(), TICK);
    try {
      await using open = await this.#open();
      this.#early = this.#elapsed();
      await this.#drain(open);
      const report = await this.#report(open);
      await this.#player?.finish();
      return report;
    } catch (error) {
      this.#player?.cancel();
      throw this.#abort.signal.aborted ? this.#abort.signal.reason : error;
    } finally {
      clearInterval(ticking);
      this.#view.end();
    }
  }

  #open(): Promise<OpenPipeline> {
    const { config } = this.#ready;
    const { threads } = this.#request;
    const device = this.#request.device ?? config.device;
    this.#show();
    return joinStages(this.#stages()).open({
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
      signal: this.#abort.signal,
      warn: (message) => this.#view.warn(oneLine(message)),
      onEvent: (event) => this.#progress = advanceOpening(this.#progress, event),
    });
  }

  /** The config's stages; for a preview one more that looks at the pictures. */
  #stages(): StageSpec[] {
    const stages = this.#ready.config.stages.map(({ spec }) => spec);
    const player = this.#player;
    if (player === undefined) return stages;
    const place = stages.findLastIndex(({ gives }) => gives === "frames") + 1;
    if (place === 0) throw mistake("--preview: no stage of this pipeline gives frames.");
    return stages.toSpliced(place, 0, tap((frames) => player.push(frames)));
  }

  async #drain(open: OpenPipeline): Promise<void> {
    const run = open.run(this.#ready.prompt, {
      signal: this.#abort.signal,
      onEvent: (event) => this.#hear(event),
    });
    this.#run = run;
    for await (const media of run) {
      if (typeof media === "object" && "path" in media && media.path !== undefined) {
        this.#paths.add(media.path);
      }
    }
    this.#over = true;
  }

  #hear(event: RunEvent): void {
    this.#progress = advance(this.#progress, event, this.#ready.plan);
    if (event.type === "warning") this.#view.warn(oneLine(event.message));
    if (event.type === "note") this.#view.note(oneLine(event.message));
    if (event.type === "prompt" && event.text !== this.#request.prompt) {
      const { first = 0, text } = event;
      const when = first > 0
        ? `prompt from ${formatTime(first / this.#ready.plan.fps)} on`
        : "prompt";
      this.#view.note(`${when}: ${oneLine(text)}`);
    }
    this.#show();
  }

  #show(): void {
    if (!this.#over) this.#view.progress(this.#progress, this.#elapsed(), this.#early);
  }

  /** Seconds since the program started. */
  #elapsed(): number {
    return (performance.now() - this.#app.started) / 1000;
  }

  #stop(): void {
    if (this.#over) return this.#player?.cancel();
    if (this.#run === undefined) return this.#giveUp();
    this.#stopped = true;
    this.#run.stop();
    this.#player?.cancel();
    this.#view.note("Stopping: what is made already is finished. Ctrl-C again gives up at once.");
  }

  #giveUp(): void {
    this.#player?.cancel();
    this.#abort.abort(new Interrupted("Given up: nothing was written."));
  }

  async #report(open: OpenPipeline): Promise<Report> {
    const seconds = this.#elapsed();
    const { config, plan, seed, out } = this.#ready;
    const { prompt, device } = this.#request;
    const { frames, first, prompt: extendedPrompt = prompt, later = [] } = this.#progress;
    const timings = this.#run?.timings;
    if (frames === 0 && this.#stopped) {
      throw new Interrupted("Stopped before the first pictures were made: nothing was written.");
    }
    if (this.#paths.size === 0) {
      throw new Error(`The pipeline "${config.name}" ended and wrote no file.`);
    }
    const early = this.#early ?? 0;
    const prompts = [{ frame: 0, prompt: extendedPrompt }, ...later];
    const stages = (timings?.stages ?? []).map((stage, i) => ({
      ...stage,
      loadSeconds: open.loading[i]?.seconds ?? 0,
    }));
    return {
      path: out,
      bytes: await sizeOf(this.#paths),
      frames,
      fps: plan.fps,
      seed,
      prompt,
      extendedPrompt,
      prompts: prompts.map((each) => ({ ...each, seconds: each.frame / plan.fps })),
      config: config.name,
      device: device ?? config.device ?? "cpu",
      stopped: this.#stopped,
      seconds,
      loadSeconds: early,
      firstFrameSeconds: first ? first.at + early : null,
      framesPerSecond: frames / (timings?.seconds ?? seconds),
      steadyFramesPerSecond: rate(this.#progress),
      stages: stages.filter(({ stage }) => stage !== TAP),
    };
  }
}

async function sizeOf(paths: Iterable<string>): Promise<number> {
  const files = await Promise.all([...paths].map((path) => Deno.stat(path)));
  return files.reduce((sum, { size }) => sum + size, 0);
}
