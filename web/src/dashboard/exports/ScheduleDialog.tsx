/** Setting up an export that is made again and again. */

import { useState } from 'react';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { graphql } from '../api/graphql';
import { Button, Dialog, Field, ProblemNotice, toast } from '../ui';
import { cronOf, inWords, type Rhythm, WEEKDAYS, type When } from './cron';
import { type ExportInput, nameOf } from './recipe';

const ScheduleCreate = graphql(`
  mutation ScheduleCreate($input: ExportScheduleInput!) {
    exportScheduleCreate(input: $input) {
      schedule {
        id
        nextAt
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`);

const RHYTHMS: Record<Rhythm, string> = {
  HOURLY: 'Every hour',
  DAILY: 'Every day',
  WEEKLY: 'Every week',
  MONTHLY: 'On the 1st of each month',
  OTHER: 'By a cron expression',
};

interface ScheduleDialogProps {
  input: ExportInput;
  onClose: () => void;
}

export function ScheduleDialog({ input, onClose }: ScheduleDialogProps) {
  const { client } = useApi();
  const [name, setName] = useState(`Copy of ${nameOf(input)}`);
  const [when, setWhen] = useState<When>({
    rhythm: 'DAILY',
    time: '02:30',
    weekday: 1,
    cron: '30 2 * * *',
  });
  const [timeZone, setTimeZone] = useState(
    () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
  );
  const [keepLast, setKeepLast] = useState('7');
  const [incremental, setIncremental] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const cron = cronOf(when);

  const create = async () => {
    setBusy(true);
    const { problem } = await change(client, ScheduleCreate, {
      input: {
        name,
        cron,
        timeZone,
        incremental,
        keepLast: keepLast === '' ? null : Number(keepLast),
        export: input,
      },
    });
    setBusy(false);
    setRefusal(problem);
    if (problem) return;
    toast('The schedule is set up: see Exports, Schedules.');
    onClose();
  };
  const errorOf = (field: string) => (refusal?.field === field ? refusal.what : undefined);

  return (
    <Dialog
      title="Make it again and again"
      open
      onClose={onClose}
      actions={
        <>
          <span className="spring" />
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" busy={busy} onClick={create}>
            Set up the schedule
          </Button>
        </>
      }
    >
      <form className="stack" onSubmit={(event) => event.preventDefault()}>
        {refusal && !FIELDS.has(refusal.field ?? '') && (
          <ProblemNotice problem={refusal} onRetry={create} />
        )}
        <Field label="Name" error={errorOf('name')}>
          {(control) => (
            <input {...control} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
        <div className="field-pair">
          <Field label="How often">
            {(control) => (
              <select
                {...control}
                value={when.rhythm}
                onChange={(event) => setWhen({ ...when, rhythm: event.target.value as Rhythm })}
              >
                {Object.entries(RHYTHMS).map(([rhythm, words]) => (
                  <option key={rhythm} value={rhythm}>
                    {words}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {when.rhythm === 'OTHER' ? (
            <Field
              label="Cron expression"
              hint="Minute, hour, day of the month, month, day of the week."
              error={errorOf('cron')}
            >
              {(control) => (
                <input
                  {...control}
                  className="mono"
                  value={when.cron}
                  onChange={(event) => setWhen({ ...when, cron: event.target.value })}
                />
              )}
            </Field>
          ) : (
            <Field label={when.rhythm === 'HOURLY' ? 'At the minute of' : 'At'}>
              {(control) => (
                <input
                  {...control}
                  type="time"
                  value={when.time}
                  onChange={(event) => setWhen({ ...when, time: event.target.value })}
                />
              )}
            </Field>
          )}
          {when.rhythm === 'WEEKLY' && (
            <Field label="On">
              {(control) => (
                <select
                  {...control}
                  value={when.weekday}
                  onChange={(event) => setWhen({ ...when, weekday: Number(event.target.value) })}
                >
                  {WEEKDAYS.map((day, number) => (
                    <option key={day} value={number}>
                      {day}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          )}
          <Field label="Time zone" hint={`Fires ${inWords(cron)}.`} error={errorOf('timeZone')}>
            {(control) => (
              <input
                {...control}
                value={timeZone}
                onChange={(event) => setTimeZone(event.target.value)}
              />
            )}
          </Field>
          <Field
            label="Files to keep"
            hint="The newest so many stay; empty: each for a week."
            error={errorOf('keepLast')}
          >
            {(control) => (
              <input
                {...control}
                type="number"
                min="1"
                value={keepLast}
                onChange={(event) => setKeepLast(event.target.value)}
              />
            )}
          </Field>
        </div>
        <label className="choice">
          <input
            type="checkbox"
            checked={incremental}
            onChange={(event) => setIncremental(event.target.checked)}
          />
          <span>Only what is new since the one before</span>
        </label>
        <p className="muted">
          It exports with the rights that you have whenever it fires. A lost right stops it, and the
          list of schedules says so.
        </p>
      </form>
    </Dialog>
  );
}

const FIELDS = new Set(['name', 'cron', 'timeZone', 'keepLast']);
