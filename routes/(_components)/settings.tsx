/** How a run is made: pipeline, seed, length, options of the stages. */
import type { StudioStore } from "../(_studio)/store.ts";
import { formatSeconds } from "../(_studio)/format.ts";
import { framesOf, lengthOf } from "../(_studio)/length.ts";
import { errorOf } from "../(_studio)/request.ts";
import { describedBy, Field, FieldError, IconButton, Switch } from "./controls.tsx";
import { StageOptions } from "./stage_options.tsx";

/** Seeds drawn here are short enough to read out. */
const SEEDS = 2 ** 31;

/** Chunks that the slider goes to. */
const LONGEST = 40;

/** All that is set beside the prompt. */
export function Settings({ store }: { store: StudioStore }) {
  return (
    <section class="card settings" aria-label="Settings">
      <PipelineField store={store} />
      <SeedField store={store} />
      <LengthField store={store} />
      <StageOptions store={store} />
    </section>
  );
}

function PipelineField({ store }: { store: StudioStore }) {
  const { form, pipelines, pipeline, errors } = store;
  const error = errorOf(errors.value, "pipeline") ?? pipeline.value?.error;
  return (
    <Field
      id="pipeline"
      label="Pipeline"
      help={pipeline.value?.description}
      error={error}
      aside={<a class="link small" href={`/pipelines?name=${form.value.pipeline}`}>View</a>}
    >
      <select
        id="pipeline"
        value={form.value.pipeline}
        aria-describedby={describedBy("pipeline", { help: true, error: true })}
        onChange={(event) =>
          store.set({ pipeline: event.currentTarget.value, texts: {}, frames: undefined })}
      >
        {pipelines.map(({ name }) => <option key={name} value={name}>{name}</option>)}
      </select>
    </Field>
  );
}

function SeedField({ store }: { store: StudioStore }) {
  const { form, errors } = store;
  const error = errorOf(errors.value, "seed");
  const drawn = form.value.seed === "";
  return (
    <Field
      id="seed"
      label="Seed"
      error={error}
      aside={drawn
        ? undefined
        : (
          <button type="button" class="link small" onClick={() => store.set({ seed: "" })}>
            A new one each time
          </button>
        )}
    >
      <div class="with-button">
        <input
          id="seed"
          type="text"
          inputMode="numeric"
          autocomplete="off"
          class="number"
          placeholder="A new one each time"
          value={form.value.seed}
          aria-invalid={error !== undefined}
          aria-describedby={describedBy("seed", { error: true })}
          onInput={(event) => store.set({ seed: event.currentTarget.value })}
        />
        <IconButton
          icon="dice"
          label="Roll the dice for a seed"
          tone="outline"
          onClick={() => store.set({ seed: String(Math.floor(Math.random() * SEEDS)) })}
        />
      </div>
    </Field>
  );
}

function LengthField({ store }: { store: StudioStore }) {
  const { form, pipeline, errors } = store;
  const length = lengthOf(pipeline.value, form.value);
  if (length === undefined) return null;
  const { chunks, frames, perChunk, alone } = length;
  const over = form.value.opening?.strength !== undefined;
  const endless = frames === 0;
  const fps = pipeline.value?.fps ?? 16;
  const error = errorOf(errors.value, "frames") ??
    Object.entries(errors.value).find(([key]) => /\.latent-?frames$/i.test(key))?.[1];
  const pictures = framesOf(chunks, perChunk, alone);
  const shown = `${formatSeconds(pictures / fps)}, ${pictures} pictures`;
  return (
    <div class={error === undefined ? "field" : "field wrong"}>
      <div class="field-head">
        <label for="length">Length</label>
        <output for="length" class="number">
          {over
            ? endless ? "As long as the clip" : `As the clip, at most ${shown}`
            : endless
            ? "Until you stop it"
            : shown}
        </output>
      </div>
      <input
        id="length"
        type="range"
        min={1}
        max={Math.max(LONGEST, chunks)}
        step={1}
        value={chunks}
        disabled={endless}
        aria-valuetext={`${pictures} pictures`}
        aria-describedby={describedBy("length", { error: true })}
        onInput={(event) =>
          store.set({ frames: framesOf(Number(event.currentTarget.value), perChunk, alone) })}
      />
      <FieldError id="length" error={error} />
      <Switch
        id="endless"
        label="Endless"
        checked={endless}
        onChange={(on) => store.set({ frames: on ? 0 : framesOf(chunks, perChunk, alone) })}
      />
    </div>
  );
}
