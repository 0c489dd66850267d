/** Stages as connected cards. */
import { Fragment } from "preact";
import type { PluginView } from "../../server/wire.ts";
import { showValue } from "../(_studio)/controls.ts";
import { type PipelineStore, problemOf } from "../(_studio)/pipeline_store.ts";
import type { DraftStage } from "../(_studio)/pipeline_text.ts";
import { Icon } from "./icons.tsx";

/** Options that a card names. */
const NAMED = 4;

/** What flows from top to bottom. */
export function PipelineChain({ store }: { store: PipelineStore }) {
  const { stages } = store.draft.value;
  const plugins = stages.map(({ use }) => store.plugins.find(({ name }) => name === use));
  return (
    <ol class="chain" aria-label="Stages">
      <Pipe from={undefined} to={plugins[0]} />
      {stages.map((stage, i) => (
        <Fragment key={i}>
          <StageCard store={store} stage={stage} place={i} />
          <Pipe from={plugins[i]} to={plugins[i + 1]} end={i === stages.length - 1} />
        </Fragment>
      ))}
    </ol>
  );
}

function StageCard(
  { store, stage, place }: { store: PipelineStore; stage: DraftStage; place: number },
) {
  const plugin = store.plugins.find(({ name }) => name === stage.use);
  const problem = problemOf(store.problems.value, place);
  const entries = Object.entries(stage.options);
  return (
    <li class="stage">
      <button
        type="button"
        class={problem === undefined ? "card stage-card" : "card stage-card wrong"}
        aria-pressed={store.selected.value === place}
        onClick={() => store.selected.value = place}
      >
        <span class="stage-name">
          {problem !== undefined && <Icon name="warning" />}
          {stage.use || "no plugin"}
        </span>
        {plugin === undefined && (
          <span class="stage-summary">A module of your own, or a name that is not known.</span>
        )}
        <span class="stage-facts">
          {entries.slice(0, NAMED).map(([key, value]) => (
            <span key={key}>
              <span class="muted">{key}</span> {showValue(value)}
            </span>
          ))}
          {entries.length > NAMED && <span class="muted">{entries.length - NAMED} more</span>}
        </span>
        {problem !== undefined && <span class="unseen">. Wrong: {problem}</span>}
      </button>
    </li>
  );
}

/** The kind of data between two stages. */
function Pipe(
  { from, to, end = false }: {
    from: PluginView | undefined;
    to: PluginView | undefined;
    end?: boolean;
  },
) {
  const given = from?.gives;
  const taken = to?.takes;
  const fits = given === undefined || taken === undefined || given === taken;
  return (
    <li class={fits ? "pipe" : "pipe broken"}>
      <span class="kind">{given ?? taken ?? "anything"}</span>
      {!fits && <span class="kind">not {taken}</span>}
      {!end && <span class="unseen">to the next stage</span>}
    </li>
  );
}
