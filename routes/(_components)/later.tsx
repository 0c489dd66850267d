/** Prompts that take the place of the first in the course of the video. */
import { errorOf, type FieldErrors, type LaterText, LONGEST_PROMPT } from "../(_studio)/request.ts";
import type { StudioStore } from "../(_studio)/store.ts";
import { describedBy, FieldError, IconButton } from "./controls.tsx";
import { Icon } from "./icons.tsx";

/** Rows at most: more are for a pipeline's file. */
const MOST = 12;

/** A row each, and a button for another. */
export function Later({ store }: { store: StudioStore }) {
  const { form, errors } = store;
  const rows = form.value.later;
  const set = (later: readonly LaterText[]) => store.set({ later });
  return (
    <div class="later">
      {rows.length > 0 && (
        <ol aria-label="Prompts for later">
          {rows.map((row, i) => (
            <Row
              key={i}
              place={i}
              row={row}
              errors={errors.value}
              onChange={(change) => set(rows.with(i, { ...row, ...change }))}
              onRemove={() => set(rows.toSpliced(i, 1))}
            />
          ))}
        </ol>
      )}
      <FieldError id="later" error={errors.value.timeline} />
      {rows.length < MOST && (
        <button
          type="button"
          class="chip"
          onClick={() => set([...rows, { at: "", prompt: "" }])}
        >
          <Icon name="plus" /> Another prompt, later in the video
        </button>
      )}
    </div>
  );
}

function Row({ place, row, errors, onChange, onRemove }: {
  place: number;
  row: LaterText;
  errors: FieldErrors;
  onChange: (change: Partial<LaterText>) => void;
  onRemove: () => void;
}) {
  const id = `later-${place}`;
  const error = errorOf(errors, `timeline.${place}`);
  const described = describedBy(id, { error: true });
  return (
    <li class="later-row">
      <label class="unseen" for={`${id}-at`}>Seconds at which prompt {place + 2} begins</label>
      <input
        id={`${id}-at`}
        type="text"
        inputMode="decimal"
        autocomplete="off"
        class="number"
        placeholder="2.5 s"
        value={row.at}
        aria-invalid={error !== undefined}
        aria-describedby={described}
        onInput={(event) => onChange({ at: event.currentTarget.value })}
      />
      <label class="unseen" for={`${id}-prompt`}>Prompt {place + 2}</label>
      <input
        id={`${id}-prompt`}
        type="text"
        autocomplete="off"
        maxLength={LONGEST_PROMPT}
        placeholder="What should be seen from there on?"
        value={row.prompt}
        aria-invalid={error !== undefined}
        aria-describedby={described}
        onInput={(event) => onChange({ prompt: event.currentTarget.value })}
      />
      <IconButton icon="close" label={`Remove prompt ${place + 2}`} onClick={onRemove} />
      <FieldError id={id} error={error} />
    </li>
  );
}
