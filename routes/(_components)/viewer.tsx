/** The run that is shown: its picture, its figures, where its time goes. */
import { useRef } from "preact/hooks";
import type { RunView } from "../../server/wire.ts";
import { formatAge, formatBytes } from "../(_studio)/format.ts";
import { healthWatch } from "../(_studio)/health.ts";
import type { StudioStore } from "../(_studio)/store.ts";
import { ChunkStrip } from "./chunk_strip.tsx";
import { Icon } from "./icons.tsx";
import { Readout } from "./readout.tsx";
import { Screen } from "./screen.tsx";
import { LiveMark, Transport } from "./transport.tsx";

/** The right-hand side of the studio. */
export function Viewer({ store }: { store: StudioStore }) {
  const frame = useRef<HTMLDivElement>(null);
  const run = store.run.value;
  const pipeline = store.pipelines.find(({ name }) => name === run?.pipeline) ??
    store.pipeline.value;
  return (
    <section class="viewer" aria-label="Video">
      <div class="card theatre" ref={frame}>
        <Screen player={store.player} run={run} health={healthWatch.health.value}>
          <LiveMark player={store.player} run={run} />
        </Screen>
        <Transport
          player={store.player}
          run={run}
          onFull={() => {
            if (document.fullscreenElement === null) frame.current?.requestFullscreen();
            else document.exitFullscreen();
          }}
        />
      </div>
      <Caption store={store} run={run} />
      <Readout run={run} />
      <ChunkStrip
        run={run}
        step={store.step.value}
        stages={(pipeline?.stages ?? []).map(({ plugin }) => plugin)}
      />
      {store.warnings.value.map((warning) => (
        <p key={warning} class="warning">
          <Icon name="warning" /> {warning}
        </p>
      ))}
    </section>
  );
}

/** What is seen, and from what it was made. */
function Caption({ store, run }: { store: StudioStore; run: RunView | undefined }) {
  if (run === undefined) return <div class="caption muted">Nothing has been made yet.</div>;
  const { prompt, extendedPrompt, seed, pipeline, bytes, createdAt } = run;
  return (
    <div class="caption">
      <p class="said">{prompt}</p>
      {extendedPrompt !== undefined && <p class="muted">{extendedPrompt}</p>}
      <p class="caption-foot muted small">
        <span>
          {pipeline} · seed <span class="number">{seed}</span>
          {bytes !== undefined && ` · ${formatBytes(bytes)}`} ·{" "}
          <time datetime={createdAt}>{formatAge(createdAt, Date.now())}</time>
        </span>
        <span class="caption-actions">
          <button
            type="button"
            class="link"
            disabled={run.video === undefined}
            onClick={() => store.goOn(run)}
          >
            Go on from this
          </button>
          <button type="button" class="link" onClick={() => store.reuse(run)}>
            Use these settings
          </button>
        </span>
      </p>
    </div>
  );
}
