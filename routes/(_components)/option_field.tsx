/** One option of a plugin as a control, made from its schema. */
import { type OptionControl, showValue } from "../(_studio)/controls.ts";
import { describedBy, Field } from "./controls.tsx";

/** What an option field needs. */
export interface OptionFieldProps {
  /** Unlike that of any other field of the page. */
  readonly id: string;
  readonly option: OptionControl;
  /** What was written; absent where the option is left as it is. */
  readonly text: string | undefined;
  /** What holds where nothing was written; absent where the plugin decides. */
  readonly effective: unknown;
  readonly error?: string | undefined;
  readonly onChange: (text: string | undefined) => void;
}

/** Choices up to this many are buttons side by side, if they are short. */
const SEGMENTS = 4;
const SEGMENT_CHARACTERS = 24;

/** A label, a control that fits the option, its help, and a way back to what the pipeline says. */
export function OptionField(props: OptionFieldProps) {
  const { id, option, text, error, onChange } = props;
  return (
    <Field
      id={id}
      label={option.label}
      help={option.help}
      error={error}
      inline={isShort(props)}
      aside={text === undefined ? undefined : (
        <button
          type="button"
          class="link small"
          aria-label={`Reset ${option.label}`}
          onClick={() => onChange(undefined)}
        >
          Reset
        </button>
      )}
    >
      <OptionInput {...props} />
    </Field>
  );
}

/** Whether a control leaves room for its label on the same line. */
function isShort({ option: { control }, effective }: OptionFieldProps): boolean {
  if (control.kind === "number") return !control.slider || effective === undefined;
  return control.kind === "switch" || (control.kind === "choice" && effective === undefined);
}

function OptionInput(props: OptionFieldProps) {
  switch (props.option.control.kind) {
    case "switch":
      return props.effective === undefined
        ? <Choice {...props} values={["true", "false"]} names={{ true: "On", false: "Off" }} />
        : <Toggle {...props} />;
    case "choice":
      return <Choice {...props} values={props.option.control.values} />;
    case "number":
      return <NumberInput {...props} />;
    default:
      return <TextInput {...props} />;
  }
}

function Toggle({ id, option, text, effective, onChange }: OptionFieldProps) {
  return (
    <span class="switch">
      <input
        id={id}
        type="checkbox"
        role="switch"
        checked={(text ?? showValue(effective)) === "true"}
        aria-describedby={describedBy(id, { help: option.help !== "", error: true })}
        onChange={(event) => {
          const now = String(event.currentTarget.checked);
          onChange(now === showValue(effective) ? undefined : now);
        }}
      />
      <label class="switch-track" for={id} aria-hidden="true" />
    </span>
  );
}

function Choice(
  { id, option, text, effective, error, onChange, values, names = {} }: OptionFieldProps & {
    values: readonly string[];
    names?: Readonly<Record<string, string>>;
  },
) {
  const chosen = text ?? showValue(effective);
  // One that is left to the plugin has no button of its own: a list has room to say so.
  const automatic = effective === undefined;
  const short = values.length <= SEGMENTS && values.join("").length <= SEGMENT_CHARACTERS;
  if (!short || automatic) {
    return (
      <select
        id={id}
        value={chosen}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy(id, { help: option.help !== "", error: true })}
        onChange={(event) => onChange(event.currentTarget.value || undefined)}
      >
        {automatic && <option value="">Automatic</option>}
        {values.map((value) => <option key={value} value={value}>{names[value] ?? value}</option>)}
      </select>
    );
  }
  return (
    <div class="segments" role="group" aria-label={option.label}>
      {values.map((value, i) => (
        <button
          key={value}
          id={i === 0 ? id : undefined}
          type="button"
          aria-pressed={value === chosen}
          aria-label={i === 0 ? `${option.label}: ${names[value] ?? value}` : undefined}
          onClick={() => onChange(value === showValue(effective) ? undefined : value)}
        >
          {names[value] ?? value}
        </button>
      ))}
    </div>
  );
}

function NumberInput({ id, option, text, effective, error, onChange }: OptionFieldProps) {
  const { control } = option;
  if (control.kind !== "number") return null;
  const { min, max, step, slider } = control;
  const given = showValue(effective);
  const write = (value: string) => onChange(value === "" || value === given ? undefined : value);
  const input = (
    <input
      id={id}
      type="number"
      inputMode={control.whole ? "numeric" : "decimal"}
      class="number"
      min={min}
      max={max}
      step={step}
      value={text ?? given}
      placeholder="Automatic"
      aria-invalid={error !== undefined}
      aria-describedby={describedBy(id, { help: option.help !== "", error: true })}
      onInput={(event) => write(event.currentTarget.value)}
    />
  );
  if (!slider || given === "") return input;
  return (
    <div class="slider-row">
      <input
        type="range"
        aria-label={`${option.label}, slider`}
        min={min}
        max={max}
        step={step}
        value={text ?? given}
        onInput={(event) => write(event.currentTarget.value)}
      />
      {input}
    </div>
  );
}

function TextInput({ id, option, text, effective, error, onChange }: OptionFieldProps) {
  const given = showValue(effective);
  return (
    <input
      id={id}
      type="text"
      autocomplete="off"
      spellcheck={false}
      value={text ?? given}
      placeholder="Automatic"
      aria-invalid={error !== undefined}
      aria-describedby={describedBy(id, { help: option.help !== "", error: true })}
      onInput={(event) => {
        const { value } = event.currentTarget;
        onChange(value === "" || value === given ? undefined : value);
      }}
    />
  );
}
