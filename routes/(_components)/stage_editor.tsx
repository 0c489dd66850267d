/** The stage that is selected: its plugin, its place, its options. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { PluginView } from "../../server/wire.ts";
import { controlsOf, type OptionControl, readControl, showValue } from "../(_studio)/controls.ts";
import { formatCount } from "../(_studio)/format.ts";
import { type PipelineStore, problemOf } from "../(_studio)/pipeline_store.ts";
import { insertStage, moveStage, removeStage, setOption } from "../(_studio)/pipeline_text.ts";
import { IconButton } from "./controls.tsx";
import { OptionField } from "./option_field.tsx";
import { PluginField } from "./plugin_field.tsx";

/** A form for one stage; what is written goes into the pipeline's text. */
export function StageEditor({ store }: { store: PipelineStore }) {
  const place = store.selected.value;
  const { stages } = store.draft.value;
  const stage = stages[place];
  if (stage === undefined) {
    return (
      <section class="card stage-editor" aria-label="Stage">
        <p class="muted">This pipeline has no stages yet.</p>
        <AddStage store={store} at={0} />
      </section>
    );
  }
  const plugin = store.plugins.find(({ name }) => name === stage.use);
  const last = stages.length - 1;
  const move = (to: number) => {
    store.edit(moveStage(store.text.value, place, to));
    store.selected.value = to;
  };
  return (
    <section class="card stage-editor" aria-label={`Stage ${place + 1}`}>
      <div class="stage-head">
        <h2>Stage {place + 1} of {stages.length}</h2>
        <IconButton
          icon="up"
          label="Move the stage forward"
          disabled={place === 0}
          onClick={() => move(place - 1)}
        />
        <IconButton
          icon="down"
          label="Move the stage back"
          disabled={place === last}
          onClick={() => move(place + 1)}
        />
        <IconButton
          icon="trash"
          label="Remove the stage"
          onClick={() => store.edit(removeStage(store.text.value, place))}
        />
      </div>
      <PluginField store={store} use={stage.use} place={place} />
      {plugin !== undefined && (
        <StageForm key={plugin.name} store={store} plugin={plugin} place={place} />
      )}
      <AddStage store={store} at={place + 1} />
    </section>
  );
}

function StageForm(
  { store, plugin, place }: { store: PipelineStore; plugin: PluginView; place: number },
) {
  // Decided once: a field does not move while one writes into it.
  const [written, others] = useMemo(() => {
    const options = store.draft.peek().stages[place]?.options ?? {};
    const all = controlsOf(plugin.options);
    return [all.filter(({ key }) => key in options), all.filter(({ key }) => !(key in options))];
  }, []);
  const field = (option: OptionControl) => (
    <StageOption key={option.key} store={store} plugin={plugin} place={place} option={option} />
  );
  return (
    <>
      {written.length > 0 && <div class="fold-body">{written.map(field)}</div>}
      <details class="fold" open={written.length === 0}>
        <summary>
          {written.length === 0 ? "Options" : formatCount(others.length, "more option")}
        </summary>
        <div class="fold-body">{others.map(field)}</div>
      </details>
    </>
  );
}

function StageOption(
  { store, plugin, place, option }: {
    store: PipelineStore;
    plugin: PluginView;
    place: number;
    option: OptionControl;
  },
) {
  const { key, control, standard } = option;
  // What cannot be read yet is no option of the text: it is kept here while it is being written.
  const unread = useSignal<{ readonly text: string; readonly error: string } | undefined>(
    undefined,
  );
  const value = store.draft.value.stages[place]?.options[key];
  const effective = store.effective.value[place];
  const known = value === undefined && effective?.plugin === plugin.name;
  return (
    <OptionField
      id={`stage-${place}-${key}`}
      option={option}
      text={unread.value?.text ?? (value === undefined ? undefined : showValue(value))}
      effective={known ? effective.options[key] ?? standard : standard}
      error={unread.value?.error ?? problemOf(store.problems.value, place, key)}
      onChange={(text = "") => {
        const { value, error } = readControl(control, text);
        unread.value = error === undefined ? undefined : { text, error };
        if (error === undefined) store.edit(setOption(store.text.value, place, key, value));
      }}
    />
  );
}

function AddStage({ store, at }: { store: PipelineStore; at: number }) {
  return (
    <div class="field">
      <div class="field-head">
        <label for="add">Add a stage {at === 0 ? "" : "after this one"}</label>
      </div>
      <select
        id="add"
        value=""
        onChange={(event) => {
          const use = event.currentTarget.value;
          event.currentTarget.value = "";
          if (use === "") return;
          store.edit(insertStage(store.text.value, at, use));
          store.selected.value = at;
        }}
      >
        <option value="">Choose a plugin</option>
        {store.plugins.map(({ name, takes, gives }) => (
          <option key={name} value={name}>{`${name} (${takes} to ${gives})`}</option>
        ))}
      </select>
    </div>
  );
}
