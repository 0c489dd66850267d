/** `models pull`: what is to come, its licences, the progress, the report. */
import type { PlannedFile, PublishedModel, PullEvent, PullOptions } from "../mod.ts";
import type { App } from "./app.ts";
import { configPath } from "./configs.ts";
import { allowed, Interrupted, mistake } from "./failure.ts";
import { FetchView } from "./fetch_view.ts";
import { modelsNamed } from "./models.ts";
import { freeSpace } from "./free_space.ts";
import { seconds, size } from "./progress.ts";
import { publishedIn } from "./published.ts";
import { readConfig } from "./reference_config.ts";
import { onLeaving } from "./signals.ts";

/** What `models pull` was told. */
export interface PullRequest {
  readonly models: readonly string[];
  /** A name or a path. */
  readonly config: string | undefined;
  readonly folder: string;
  /** Files at once. */
  readonly parallel: number;
  readonly yes: boolean;
  readonly restart: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Fetches what was asked for. */
export async function pull(app: App, request: PullRequest): Promise<void> {
  const { hubEnvironment, planPull, pullModels } = await import("../mod.ts");
  const models = await modelsOf(app, request);
  if (request.parallel < 1) {
    throw mistake(`--parallel: expected at least 1, got ${request.parallel}.`);
  }
  const abort = new AbortController();
  const leave = () =>
    abort.abort(
      new Interrupted("Stopped. What has come stays: the same command goes on from there."),
    );
  using _listening = onLeaving({ stop: leave, abort: leave });
  const view = new PullView(app, request);
  const options: PullOptions = {
    folder: request.folder.replace(/\/+$/, ""),
    environment: await hubEnvironment(),
    parallel: request.parallel,
    restart: request.restart,
    signal: abort.signal,
    freeSpace,
    onEvent: (event) => view.hear(event),
  };
  const plan = await allowed(() => planPull(models, options));
  await agree(app, models, plan, request);
  view.begin(plan);
  try {
    await allowed(() => pullModels(plan, options));
  } finally {
    view.end();
  }
  view.report(plan);
}

/** The models that are named, and those of files that the config names. */
async function modelsOf(app: App, { models, config }: PullRequest): Promise<PublishedModel[]> {
  const found = await modelsNamed(models);
  if (config !== undefined) {
    const path = await configPath(app.configs, config);
    const loaded = await readConfig(path, { plugins: await app.plugins() });
    const needed = await publishedIn(loaded);
    found.push(...needed.map(({ model }) => model).filter((model) => !found.includes(model)));
    if (found.length === 0) throw mistake(`The config ${config} needs no published model.`);
  }
  if (found.length === 0) {
    throw mistake("Name a model of `sluice models list`, or a pipeline: --config <name>.");
  }
  return [...new Set(found)];
}

/** Shows licences before the first file comes, and asks. Those that came before are agreed to. */
async function agree(
  app: App,
  models: readonly PublishedModel[],
  plan: readonly PlannedFile[],
  { yes, folder }: PullRequest,
): Promise<void> {
  const { findModel } = await import("../mod.ts");
  const fresh: PublishedModel[] = [];
  for (const model of models) {
    const coming = plan.some((each) => each.model === model && each.state === "missing");
    const begun = (await findModel(model, folder)).some(({ state }) => state !== "missing");
    if (coming && !begun) fresh.push(model);
  }
  if (fresh.length === 0) return;
  for (const { name, licence, page } of fresh) {
    const note = /-NC\b/.test(licence) ? ": not for commercial use" : "";
    app.screen.err(`${name}: licence ${licence}${note}; ${page}\n`);
  }
  if (yes) return;
  if (!Deno.stdin.isTerminal() || !app.screen.live) {
    throw mistake("Nobody is here to agree to these licences: read them and add --yes.");
  }
  const bytes = plan.reduce(
    (sum, { state, expected, begun }) =>
      sum + (state === "missing" ? (expected.bytes ?? 0) - begun : 0),
    0,
  );
  if (!confirm(`Fetch ${size(bytes)} under these licences?`)) {
    throw new Interrupted("Nothing was fetched.");
  }
}

/** Shows what `models pull` fetches, and reports it. */
class PullView {
  readonly #app: App;
  readonly #request: PullRequest;
  readonly #view: FetchView;
  readonly #from = new Map<string, string>();

  constructor(app: App, request: PullRequest) {
    this.#app = app;
    this.#request = request;
    this.#view = new FetchView(app.screen, request);
  }

  begin(plan: readonly PlannedFile[]): void {
    const missing = plan.filter(({ state }) => state === "missing");
    const sizes = missing.map(({ expected }) => expected.bytes);
    const total = sizes.includes(undefined)
      ? undefined
      : sizes.reduce<number>((a, b) => a + (b ?? 0), 0);
    this.#view.begin(new Map(missing.map(({ name, begun }) => [name, begun])), total);
  }

  hear(event: PullEvent): void {
    if (event.type !== "done") return this.#view.hear(event);
    this.#from.set(event.file, event.from);
    this.#view.reach(event.file, event.bytes);
    const how = { there: "is here", cached: "was in the hub's cache", fetched: "has come" };
    this.#view.print(`${event.file}: ${how[event.from]}, ${size(event.bytes)}`);
  }

  end(): void {
    this.#view.end();
  }

  report(plan: readonly PlannedFile[]): void {
    const { screen } = this.#app;
    const { fetched, seconds: took } = this.#view;
    if (this.#request.json) {
      const files = plan.map(({ model, name, path }) => ({
        model: model.name,
        path,
        bytes: this.#view.done(name),
        from: this.#from.get(name) ?? "there",
      }));
      return screen.out(JSON.stringify({ files, fetched }));
    }
    if (this.#request.quiet) return;
    screen.err(
      fetched > 0
        ? `${size(fetched)} in ${seconds(took)}\n`
        : "Everything is here: nothing was fetched.\n",
    );
  }
}
