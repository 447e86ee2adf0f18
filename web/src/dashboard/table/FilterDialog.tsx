/** Asks what must hold of one column. */

import { type FormEvent, useId, useState } from 'react';
import { Button, Dialog, Field } from '../ui';
import type { Column } from './columns';
import { type Draft, draftOf, matchOf } from './filterDrafts';
import { plain } from './filters';

interface FilterDialogProps<Row> {
  column: Column<Row>;
  match: unknown;
  /** Null takes the filter away. */
  onApply: (match: unknown) => void;
  onClose: () => void;
}

export function FilterDialog<Row>({ column, match, onApply, onClose }: FilterDialogProps<Row>) {
  const kind = column.filter ?? 'text';
  const form = useId();
  const [draft, setDraft] = useState<Draft>(() => draftOf(kind, match));
  const [problem, setProblem] = useState<string | null>(null);
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes });

  const apply = (event: FormEvent) => {
    event.preventDefault();
    const made = matchOf(kind, draft);
    if ('problem' in made) return setProblem(made.problem);
    onApply(made.match);
    onClose();
  };

  return (
    <Dialog
      title={`Filter: ${column.label}`}
      open
      onClose={onClose}
      actions={
        <>
          {match !== undefined && (
            <Button
              kind="quiet"
              onClick={() => {
                onApply(null);
                onClose();
              }}
            >
              Remove
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form={form}>
            Apply
          </Button>
        </>
      }
    >
      <form id={form} className="stack" onSubmit={apply}>
        <FilterFields column={column} draft={draft} set={set} problem={problem} />
      </form>
    </Dialog>
  );
}

interface FilterFieldsProps<Row> {
  column: Column<Row>;
  draft: Draft;
  set: (changes: Partial<Draft>) => void;
  problem: string | null;
}

function FilterFields<Row>({ column, draft, set, problem }: FilterFieldsProps<Row>) {
  const kind = column.filter;
  const list = useId();
  if (typeof kind === 'object') {
    const values = 'oneOf' in kind ? kind.oneOf : kind.anyOf;
    return (
      <fieldset className="choices">
        <legend>{'oneOf' in kind ? 'Any of these' : 'All of these'}</legend>
        {values.map((value) => (
          <label key={value} className="check">
            <input
              type="checkbox"
              checked={draft.values.includes(value)}
              onChange={(event) =>
                set({
                  values: event.target.checked
                    ? [...draft.values, value]
                    : draft.values.filter((one) => one !== value),
                })
              }
            />
            {plain(value)}
          </label>
        ))}
      </fieldset>
    );
  }
  return (
    <>
      {kind === 'text' && (
        <Field label="The text">
          {(control) => (
            <select {...control} value={draft.how} onChange={(e) => set({ how: e.target.value })}>
              <option value="contains">contains</option>
              <option value="equals">is exactly</option>
              <option value="startsWith">begins with</option>
              <option value="in">is one of these, with commas between them</option>
            </select>
          )}
        </Field>
      )}
      {kind === 'list' && (
        <Field label="The list">
          {(control) => (
            <select {...control} value={draft.how} onChange={(e) => set({ how: e.target.value })}>
              <option value="contains">has this</option>
              <option value="isEmpty">has nothing</option>
              <option value="isNotEmpty">has something</option>
            </select>
          )}
        </Field>
      )}
      {kind === 'json' && (
        <Field label="At the path" hint="Such as value.choice or items[0]; empty for the whole.">
          {(control) => (
            <input
              {...control}
              value={draft.path}
              onChange={(e) => set({ path: e.target.value })}
            />
          )}
        </Field>
      )}
      {(kind === 'text' || kind === 'ids' || kind === 'list' || kind === 'json') && (
        <Field label={kind === 'ids' ? 'Any of these' : 'Value'} hint={HINTS[kind]} error={problem}>
          {(control) => (
            <input
              {...control}
              list={column.suggestions && list}
              value={draft.text}
              onChange={(e) => set({ text: e.target.value })}
            />
          )}
        </Field>
      )}
      {column.suggestions && (
        <datalist id={list}>
          {column.suggestions.map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
      {(kind === 'number' || kind === 'time') && (
        <>
          <Field label={kind === 'time' ? 'From (UTC)' : 'From'} error={problem}>
            {(control) => (
              <input
                {...control}
                {...RANGE_INPUT[kind]}
                value={draft.from}
                onChange={(e) => set({ from: e.target.value })}
              />
            )}
          </Field>
          <Field label={kind === 'time' ? 'Before (UTC)' : 'Less than'}>
            {(control) => (
              <input
                {...control}
                {...RANGE_INPUT[kind]}
                value={draft.to}
                onChange={(e) => set({ to: e.target.value })}
              />
            )}
          </Field>
        </>
      )}
      <Field label="Rows without a value">
        {(control) => (
          <select {...control} value={draft.empty} onChange={(e) => set({ empty: e.target.value })}>
            <option value="any">as it comes</option>
            {kind === 'boolean' && <option value="yes">none: the answer is yes</option>}
            {kind === 'boolean' && <option value="no">none: the answer is no</option>}
            <option value="only">only those</option>
            <option value="none">none of those</option>
          </select>
        )}
      </Field>
    </>
  );
}

const HINTS: Record<string, string | undefined> = {
  ids: 'Several with commas between them.',
  list: 'One that is in the list.',
  json: 'A number, true, false, null, or a text.',
};

const RANGE_INPUT = {
  number: { type: 'number', step: 'any', inputMode: 'decimal' },
  time: { type: 'datetime-local', step: '0.001' },
} as const;
