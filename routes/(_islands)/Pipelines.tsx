import { useMemo } from "preact/hooks";
import { type PipelinesData, PipelineStore } from "../(_studio)/pipeline_store.ts";
import { PipelineChain } from "../(_components)/pipeline_chain.tsx";
import { PipelineFile } from "../(_components)/pipeline_file.tsx";
import { StageEditor } from "../(_components)/stage_editor.tsx";

/** Pipelines: look, change, check, save. */
export default function Pipelines({ data }: { data: PipelinesData }) {
  const store = useMemo(() => new PipelineStore(data), []);
  const { chosen, pipelines, changed } = store;
  const pipeline = pipelines.value.find(({ name }) => name === chosen.value);
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Pipelines</h1>
          <p class="muted">{pipeline?.description ?? "What flows from a prompt to a video."}</p>
        </div>
        <div class="pick">
          <label class="unseen" for="pick">Pipeline</label>
          <select
            id="pick"
            value={chosen.value}
            onChange={(event) => {
              const sure = !changed.value ||
                confirm("What you changed is not saved. Show another pipeline anyway?");
              if (sure) store.choose(event.currentTarget.value);
              else event.currentTarget.value = chosen.value;
            }}
          >
            {pipelines.value.map(({ name, builtIn }) => (
              <option key={name} value={name}>{builtIn ? `${name} (built in)` : name}</option>
            ))}
          </select>
          <a class="button" href={`/?pipeline=${chosen.value}`}>Use it</a>
        </div>
      </div>
      <div class="bench">
        <PipelineChain store={store} />
        <StageEditor key={store.selected.value} store={store} />
        <PipelineFile store={store} />
      </div>
    </>
  );
}
