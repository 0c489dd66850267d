/** Options of a pipeline's stages, for one run. */
import { useSignal, useSignalEffect } from "@preact/signals";
import type { StageView } from "../../server/wire.ts";
import { formatCount, formatLabel } from "../(_studio)/format.ts";
import { errorOf, runControls } from "../(_studio)/request.ts";
import type { StudioStore } from "../(_studio)/store.ts";
import { OptionField } from "./option_field.tsx";

/** A fold for each stage. One in which something is wrong is open. */
export function StageOptions({ store }: { store: StudioStore }) {
  const stages = store.pipeline.value?.stages ?? [];
  if (stages.length === 0) return null;
  return (
    <div class="stage-options">
      <h2 class="title">Options for this run</h2>
      {stages.map((stage, i) => (
        <StageFold key={`${i} ${stage.plugin}`} store={store} stage={stage} />
      ))}
    </div>
  );
}

function StageFold({ store, stage }: { store: StudioStore; stage: StageView }) {
  const { texts } = store.form.value;
  const errors = store.errors.value;
  const controls = runControls(store.plugins.find(({ name }) => name === stage.plugin));
  const keys = controls.map(({ key }) => `${stage.plugin}.${key}`);
  const changes = keys.filter((key) => texts[key] !== undefined).length;
  const wrong = keys.some((key) => errorOf(errors, `options.${key}`) !== undefined);
  const open = useSignal(false);
  // Opened by a mistake, but not closed by its being mended: somebody is writing there.
  useSignalEffect(() => {
    const fields = Object.keys(store.errors.value);
    if (fields.some((field) => keys.some((key) => field.startsWith(`options.${key}`)))) {
      open.value = true;
    }
  });
  if (controls.length === 0) return null;
  return (
    <details
      class={wrong ? "fold wrong" : "fold"}
      open={open.value}
      onToggle={(event) => open.value = event.currentTarget.open}
    >
      <summary>
        <span>{formatLabel(stage.plugin)}</span>
        {changes > 0 && <span class="badge">{formatCount(changes, "change")}</span>}
      </summary>
      {open.value && (
        <div class="fold-body">
          {controls.map((option) => {
            const key = `${stage.plugin}.${option.key}`;
            return (
              <OptionField
                key={key}
                id={`option-${key.replaceAll(".", "-")}`}
                option={option}
                text={texts[key]}
                effective={stage.options[option.key] ?? option.standard}
                error={errorOf(errors, `options.${key}`)}
                onChange={(text) => store.setOption(key, text)}
              />
            );
          })}
        </div>
      )}
    </details>
  );
}
