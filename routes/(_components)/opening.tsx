/** What a video begins with: a place to drop a picture or clip, or to choose one. */
import { useSignal } from "@preact/signals";
import { IS_BROWSER } from "fresh/runtime";
import { type FormOpening, isUpload, USUAL_STRENGTH } from "../(_studio)/opening.ts";
import { errorOf } from "../(_studio)/request.ts";
import type { StudioStore } from "../(_studio)/store.ts";
import { describedBy, FieldError, IconButton, Switch } from "./controls.tsx";
import { Icon } from "./icons.tsx";

/** Fields of the API whose messages belong here. */
const FIELDS = ["image", "video"] as const;

/** The place, what is in it, and how much of a clip is changed. */
export function Opening({ store }: { store: StudioStore }) {
  const { form, opening: { error, sending }, errors } = store;
  const { opening } = form.value;
  const told = error.value ?? FIELDS.map((field) => errorOf(errors.value, field)).find(Boolean);
  return (
    <div class={told === undefined ? "opening" : "opening wrong"}>
      {opening === undefined || sending.value !== undefined
        ? <Place store={store} error={told} />
        : <Chosen store={store} opening={opening} />}
      <p class="unseen" role="status">
        {sending.value === undefined ? "" : `Sending ${sending.value}`}
      </p>
      <FieldError id="opening" error={told} />
      {opening?.kind === "video" && <Strength store={store} strength={opening.strength} />}
    </div>
  );
}

/** Takes a file that is chosen by mouse or keyboard, and shows where one may be dropped: anywhere on the page. */
function Place({ store, error }: { store: StudioStore; error: string | undefined }) {
  const over = useSignal(false);
  const name = store.opening.sending.value;
  return (
    <div
      class={over.value ? "drop over" : "drop"}
      onDragOver={() => over.value = true}
      onDragLeave={() => over.value = false}
      onDrop={() => over.value = false}
    >
      <label for="opening">
        {name === undefined ? <Icon name="picture" /> : <span class="spinner" aria-hidden="true" />}
        <span>{name === undefined ? "Begin with a picture or clip" : `Sending ${name} …`}</span>
      </label>
      <input
        id="opening"
        class="unseen"
        type="file"
        accept="image/*,video/*"
        disabled={!IS_BROWSER || name !== undefined}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy("opening", { error: true })}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) store.begin(file);
          // So that choosing the same file once more is a change.
          event.currentTarget.value = "";
        }}
      />
      {name !== undefined && (
        <IconButton
          icon="close"
          label="Do not send it"
          onClick={() => store.opening.remove()}
        />
      )}
    </div>
  );
}

function Chosen({ store, opening }: { store: StudioStore; opening: FormOpening }) {
  const { kind, label, detail, poster, strength } = opening;
  const how = kind === "image"
    ? "The video begins with it"
    : strength === undefined
    ? "The video goes on from its end"
    : "The video is made over it";
  return (
    <div class="chosen">
      <img src={poster} alt="" width={64} height={64} />
      <div>
        <p class="name" title={label}>{isUpload(opening) ? label : `“${label}”`}</p>
        <p class="muted small">{detail === "" ? how : `${how} · ${detail}`}</p>
      </div>
      <IconButton
        icon="close"
        label={`Remove ${kind === "image" ? "the picture" : "the clip"}`}
        onClick={() => {
          store.opening.remove();
          // The button is gone with it: whoever uses the keyboard goes on from here.
          requestAnimationFrame(() => document.getElementById("opening")?.focus());
        }}
      />
    </div>
  );
}

/** How much of a clip is changed, where the video is made over it. */
function Strength({ store, strength }: { store: StudioStore; strength: number | undefined }) {
  const error = errorOf(store.errors.value, "strength");
  return (
    <>
      <Switch
        id="over"
        label="Make it anew, in place of going on"
        checked={strength !== undefined}
        onChange={(on) => store.opening.setStrength(on ? USUAL_STRENGTH : undefined)}
      />
      {strength !== undefined && (
        <div class="field">
          <div class="field-head">
            <label for="strength">Strength</label>
            <output for="strength" class="number">{strength.toFixed(2)}</output>
          </div>
          <input
            id="strength"
            type="range"
            min={0.05}
            max={1}
            step={0.05}
            value={strength}
            aria-describedby={describedBy("strength", { help: true, error: true })}
            onInput={(event) => store.opening.setStrength(Number(event.currentTarget.value))}
          />
          <FieldError id="strength" error={error} />
          <p class="help" id="strength-help">
            How much of the clip is changed; 1 leaves nothing of it.
          </p>
        </div>
      )}
    </>
  );
}
