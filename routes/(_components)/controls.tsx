/** The plain parts of forms. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons.tsx";

/** A button that is a drawing; its name is read out, and shown by the browser. */
export function IconButton(
  { icon, label, onClick, disabled = false, pressed, tone = "plain" }: {
    icon: IconName;
    label: string;
    onClick: () => void;
    disabled?: boolean;
    /** For one that stays on or off. */
    pressed?: boolean;
    tone?: "plain" | "outline";
  },
) {
  return (
    <button
      type="button"
      class={`icon-button ${tone}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

/** On or off. */
export function Switch(
  { label, checked, onChange, help, id }: {
    label: ComponentChildren;
    checked: boolean;
    onChange: (checked: boolean) => void;
    help?: string;
    id: string;
  },
) {
  return (
    <div class="switch-row">
      <label class="switch" for={id}>
        <input
          id={id}
          type="checkbox"
          role="switch"
          checked={checked}
          aria-describedby={help === undefined ? undefined : `${id}-help`}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <span class="switch-track" aria-hidden="true" />
        <span>{label}</span>
      </label>
      {help !== undefined && <p class="help" id={`${id}-help`}>{help}</p>}
    </div>
  );
}

/** A label, what it labels, help and what is wrong. `id` is the input's. */
export function Field(
  { id, label, help, error, aside, inline = false, children }: {
    id: string;
    label: ComponentChildren;
    help?: string | undefined;
    error?: string | undefined;
    /** To the right of the label. */
    aside?: ComponentChildren;
    /** Whether label and input share a line: for short inputs. */
    inline?: boolean;
    children: ComponentChildren;
  },
) {
  return (
    <div class={`field${inline ? " inline" : ""}${error === undefined ? "" : " wrong"}`}>
      <div class="field-head">
        <label for={id}>{label}</label>
        {aside}
      </div>
      <div class="control">{children}</div>
      <FieldError id={id} error={error} />
      {help !== undefined && help !== "" && <p class="help" id={`${id}-help`}>{help}</p>}
    </div>
  );
}

/** What is wrong with a field; told at once. */
export function FieldError({ id, error }: { id: string; error: string | undefined }) {
  return (
    <div id={`${id}-error`} role="alert">
      {error !== undefined && (
        <p class="error">
          <Icon name="warning" /> {sentenceOf(error)}
        </p>
      )}
    </div>
  );
}

/** What describes a field, for `aria-describedby`. */
export function describedBy(id: string, { help, error }: { help?: boolean; error?: boolean }) {
  const ids = [error ? `${id}-error` : "", help ? `${id}-help` : ""].filter(Boolean);
  return ids.length > 0 ? ids.join(" ") : undefined;
}

function sentenceOf(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
