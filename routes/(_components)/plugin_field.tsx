/** Which plugin makes a stage. */
import type { PluginView } from "../../server/wire.ts";
import { controlsOf } from "../(_studio)/controls.ts";
import { type PipelineStore, problemOf } from "../(_studio)/pipeline_store.ts";
import { swapPlugin } from "../(_studio)/pipeline_text.ts";
import { FieldError } from "./controls.tsx";

/** A choice of plugins, those first that fit between the neighbours. */
export function PluginField(
  { store, use, place }: { store: PipelineStore; use: string; place: number },
) {
  const problem = problemOf(store.problems.value, place, undefined);
  const own = problem !== undefined && problemIsOwn(store, place) ? problem : undefined;
  const known = store.plugins.some(({ name }) => name === use);
  return (
    <div class="field">
      <div class="field-head">
        <label for="plugin">Plugin</label>
      </div>
      <select
        id="plugin"
        value={use}
        onChange={(event) => {
          const next = event.currentTarget.value;
          const keys = controlsOf(store.plugins.find(({ name }) => name === next)?.options ?? {})
            .map(({ key }) => key);
          store.edit(swapPlugin(store.text.value, place, next, (key) => keys.includes(key)));
        }}
      >
        {!known && <option value={use}>{use || "none"}</option>}
        {byFit(store, place).map(([label, plugins]) => (
          <optgroup key={label} label={label}>
            {plugins.map(({ name, takes, gives }) => (
              <option key={name} value={name}>{`${name} (${takes} to ${gives})`}</option>
            ))}
          </optgroup>
        ))}
      </select>
      <FieldError id="plugin" error={own} />
      <p class="help">{store.plugins.find(({ name }) => name === use)?.summary}</p>
    </div>
  );
}

/** Whether it is the stage that is wrong, and none of its options. */
function problemIsOwn(store: PipelineStore, place: number): boolean {
  return !store.problems.value.some(({ key }) => key?.startsWith(`stages[${place}].with.`));
}

/** Plugins that take what comes here and give what is needed next, before those that do not. */
function byFit(
  store: PipelineStore,
  place: number,
): readonly (readonly [label: string, plugins: readonly PluginView[]])[] {
  const { stages } = store.draft.value;
  const find = (at: number) => store.plugins.find(({ name }) => name === stages[at]?.use);
  const before = find(place - 1)?.gives;
  const after = find(place + 1)?.takes;
  const fits = ({ takes, gives }: PluginView) =>
    (before === undefined || takes === before) && (after === undefined || gives === after);
  const groups = [
    ["Fits here", store.plugins.filter(fits)],
    ["Takes or gives another kind", store.plugins.filter((plugin) => !fits(plugin))],
  ] as const;
  return groups.filter(([, plugins]) => plugins.length > 0);
}
