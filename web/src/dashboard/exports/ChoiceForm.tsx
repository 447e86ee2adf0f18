/** The choices of an export: types, filter, format, who people are, and the rest. */

import { useId } from 'react';
import { Field } from '../ui';
import { type Choices, mayBeOneFile, mayHoldMedia } from './recipe';
import { TypeChoices } from './TypeChoices';
import {
  ALL_TYPES,
  ANONYMIZATIONS,
  type Anonymization,
  count,
  FORMATS,
  type Format,
  MEDIA,
  PACKAGINGS,
  type Packaging,
} from './wording';

interface ChoiceFormProps {
  choices: Choices;
  onChoose: (change: Partial<Choices>) => void;
  /** The filter on screen, as exports take it; null without one. */
  filter: Record<string, unknown> | null;
  rows: readonly { dataType: string; rows: number }[] | null;
  access: { canSeeIdentified: boolean; dataTypes: readonly string[]; why: string } | null;
}

export function ChoiceForm({ choices, onChoose, filter, rows, access }: ChoiceFormProps) {
  const filterText = filter && JSON.stringify(Object.values(filter)[0]);
  return (
    <form className="download-choices stack" onSubmit={(event) => event.preventDefault()}>
      <DataTypes choices={choices} onChoose={onChoose} rows={rows} access={access} />
      {filterText && (
        <Check
          label="Only what the filter on screen shows"
          hint={<code className="filter-text">{filterText}</code>}
          checked={choices.keepFilter}
          onChange={(keepFilter) => onChoose({ keepFilter })}
        />
      )}
      <div className="field-pair">
        <Field label="Format" hint={FORMATS[choices.format].what}>
          {(control) => (
            <select
              {...control}
              value={choices.format}
              onChange={(event) => onChoose({ format: event.target.value as Format })}
            >
              {Object.entries(FORMATS).map(([format, { name }]) => (
                <option key={format} value={format}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field
          label="Packaging"
          hint={
            mayBeOneFile(choices)
              ? PACKAGINGS[choices.packaging].what
              : `${PACKAGINGS.ZIP.what} A single file holds one data type, or JSON.`
          }
        >
          {(control) => (
            <select
              {...control}
              value={choices.packaging}
              onChange={(event) => onChoose({ packaging: event.target.value as Packaging })}
            >
              <option value="ZIP">{PACKAGINGS.ZIP.name}</option>
              <option value="SINGLE_FILE" disabled={!mayBeOneFile(choices)}>
                {PACKAGINGS.SINGLE_FILE.name}
              </option>
            </select>
          )}
        </Field>
      </div>
      <AnonymizationChoice choices={choices} onChoose={onChoose} access={access} />
      <details className="download-more">
        <summary>More options</summary>
        <div className="stack">
          <Check
            label="Include video and audio"
            hint={`${MEDIA.plain}${choices.anonymization === 'REMOVE_IDENTIFIERS' ? ` ${MEDIA.deidentified}` : ''}`}
            checked={choices.includeMedia}
            disabled={!mayHoldMedia(choices)}
            onChange={(includeMedia) => onChoose({ includeMedia })}
          />
          <Check
            label="Shift times"
            hint="Moves all times of a room by one secret amount; onsets stay. It hides when a session was."
            checked={choices.shiftTimes}
            disabled={choices.anonymization === 'AGGREGATE_ONLY'}
            onChange={(shiftTimes) => onChoose({ shiftTimes })}
          />
          <Check
            label="Mark CSV for Excel"
            hint="Lets Excel read letters such as ä and 語 right (a byte order mark)."
            checked={choices.excelBom}
            disabled={choices.format !== 'CSV'}
            onChange={(excelBom) => onChoose({ excelBom, formulaGuard: excelBom })}
          />
          <Check
            label="Guard against formulas"
            hint="Puts a ' before texts that a spreadsheet would run; numbers are left alone."
            checked={choices.formulaGuard}
            disabled={choices.format !== 'CSV' && choices.format !== 'TSV'}
            onChange={(formulaGuard) => onChoose({ formulaGuard })}
          />
          <Field label="Reason" hint="Kept in the audit log. No names, please: say a case number.">
            {(control) => (
              <input
                {...control}
                value={choices.reason}
                maxLength={500}
                onChange={(event) => onChoose({ reason: event.target.value })}
              />
            )}
          </Field>
        </div>
      </details>
    </form>
  );
}

function DataTypes({
  choices,
  onChoose,
  rows,
  access,
}: Pick<ChoiceFormProps, 'choices' | 'onChoose' | 'rows' | 'access'>) {
  const shared = ALL_TYPES.filter((type) => access === null || access.dataTypes.includes(type));
  const isAll = shared.every((type) => choices.dataTypes.includes(type));
  return (
    <fieldset className="choice-group">
      <legend>
        Data types
        <button
          type="button"
          className="link-button"
          onClick={() => onChoose({ dataTypes: isAll ? [] : shared })}
        >
          {isAll ? 'None' : 'All'}
        </button>
      </legend>
      <TypeChoices
        chosen={choices.dataTypes}
        onChoose={(dataTypes) => onChoose({ dataTypes })}
        note={(type) => {
          const found = rows?.find((each) => each.dataType === type);
          const isShown = choices.dataTypes.includes(type) && found !== undefined;
          return isShown && <span className="muted">{count(found.rows)}</span>;
        }}
      />
      {shared.length < ALL_TYPES.length && access && (
        <p className="field-hint">{access.why} Of other types there seem to be no records.</p>
      )}
    </fieldset>
  );
}

function AnonymizationChoice({
  choices,
  onChoose,
  access,
}: Pick<ChoiceFormProps, 'choices' | 'onChoose' | 'access'>) {
  const name = useId();
  const mayKeep = access?.canSeeIdentified !== false;
  return (
    <fieldset className="choice-group">
      <legend>Who the participants are</legend>
      {(Object.entries(ANONYMIZATIONS) as [Anonymization, { name: string; what: string }][]).map(
        ([level, words]) => {
          const disabled = level === 'KEEP' && !mayKeep;
          return (
            <label key={level} className={`choice-card${disabled ? ' disabled' : ''}`}>
              <input
                type="radio"
                name={name}
                value={level}
                checked={choices.anonymization === level}
                disabled={disabled}
                onChange={() => onChoose({ anonymization: level })}
              />
              <span>
                <strong>{words.name}</strong>
                <span className="choice-what">
                  {disabled && access ? `Not for you: ${access.why}` : words.what}
                </span>
              </span>
            </label>
          );
        },
      )}
    </fieldset>
  );
}

interface CheckProps {
  label: string;
  hint: React.ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

function Check({ label, hint, checked, disabled = false, onChange }: CheckProps) {
  const id = useId();
  return (
    <div className={`option${disabled ? ' disabled' : ''}`}>
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      <span id={`${id}-hint`} className="field-hint">
        {hint}
      </span>
    </div>
  );
}
