/** The newest runs in a row. */
import type { RunView } from "../../server/wire.ts";
import type { StudioStore } from "../(_studio)/store.ts";

/** What stands in for the picture of a run that has none. */
const STATES: Readonly<Record<RunView["state"], string>> = {
  queued: "Queued",
  starting: "Starting",
  streaming: "Live",
  finished: "",
  cancelled: "Stopped",
  failed: "Failed",
};

/** Small pictures that show a run when pressed. */
export function Recent({ store }: { store: StudioStore }) {
  const shown = store.run.value;
  const runs = store.recent.value.map((run) => run.id === shown?.id ? shown : run);
  return (
    <section class="recent" aria-label="Recent runs">
      <div class="strip-head">
        <h2 class="title">Recent</h2>
        <a class="link small" href="/gallery">Gallery</a>
      </div>
      {runs.length === 0
        ? <p class="muted">Finished videos are kept here and in the gallery.</p>
        : (
          <ul>
            {runs.map((run) => (
              <li key={run.id}>
                <button
                  type="button"
                  class="thumb"
                  aria-current={run === shown ? "true" : undefined}
                  aria-label={`${STATES[run.state] || "Show"}: ${run.prompt}`}
                  title={run.prompt}
                  onClick={() => store.show(run, { play: true })}
                >
                  {run.poster === undefined
                    ? <span>{STATES[run.state]}</span>
                    : <img src={run.poster} alt="" width={96} height={96} />}
                </button>
              </li>
            ))}
          </ul>
        )}
    </section>
  );
}
