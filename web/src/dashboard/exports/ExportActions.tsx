/** What one may do with an export of the list. */

import { useState } from 'react';
import { change } from '../api/changes';
import { useApi } from '../api/client';
import type { Problem } from '../api/problems';
import { Button, Dialog, Menu, ProblemNotice, toast } from '../ui';
import { setSearch } from '../url/state';
import {
  ExportCancel,
  ExportCreate,
  ExportDelete,
  ExportDetail,
  ExportRetry,
  type ExportRowData,
} from './documents';
import type { ExportInput } from './recipe';
import { ScheduleDialog } from './ScheduleDialog';
import { saveExport } from './saving';
import { watchExport } from './watched';
import { isGoingOn, isTryable } from './wording';

interface Recipe {
  input: ExportInput;
  snapshot: string;
}

type Asking = { what: 'delete' } | { what: 'schedule'; input: ExportInput } | null;

export function ExportActions({ row, onChanged }: { row: ExportRowData; onChanged: () => void }) {
  const { client } = useApi();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState<Asking>(null);
  const name = row.fileName ?? 'this export';

  const act = async (what: () => Promise<Problem | null>) => {
    setBusy(true);
    const wrong = await what();
    setBusy(false);
    setProblem(wrong);
    if (wrong === null) onChanged();
  };
  const recipe = async (): Promise<Recipe | null> => {
    const { data } = await client.query(ExportDetail, { id: row.id }).toPromise();
    return (data?.export?.manifest?.recipe ?? null) as Recipe | null;
  };
  const open = (id: string) => {
    watchExport(id);
    setSearch({ export: id });
  };
  const repeat = (isExact: boolean) =>
    act(async () => {
      const found = await recipe();
      if (found === null) return NO_RECIPE;
      const input = isExact ? { ...found.input, snapshot: found.snapshot } : found.input;
      const { done, problem: refused } = await change(client, ExportCreate, { input });
      if (done?.export) open(done.export.id);
      return refused;
    });
  const retry = () =>
    act(async () => {
      const { problem: refused } = await change(client, ExportRetry, { id: row.id });
      if (refused === null) open(row.id);
      return refused;
    });
  const remove = () =>
    act(async () => {
      const { problem: refused } = await change(client, ExportDelete, { id: row.id });
      setAsking(null);
      if (refused === null) toast('Deleted, with its file.');
      return refused;
    });
  const schedule = async () => {
    const found = await recipe();
    if (found === null) setProblem(NO_RECIPE);
    else setAsking({ what: 'schedule', input: found.input });
  };

  return (
    <div className="row">
      {row.status === 'COMPLETED' && (
        <Button busy={busy} onClick={() => act(() => saveExport(client, row.id))}>
          Download
        </Button>
      )}
      {isTryable(row.status) && (
        <Button busy={busy} onClick={retry}>
          Try again
        </Button>
      )}
      {isGoingOn(row.status) && (
        <Button
          busy={busy || row.status === 'CANCELING'}
          onClick={() =>
            act(async () => (await change(client, ExportCancel, { id: row.id })).problem)
          }
        >
          Cancel
        </Button>
      )}
      <Menu label="⋯" name={`More for ${name}`} kind="quiet">
        {(close) => {
          const item = (label: string, what: () => void) => (
            <Button
              kind="quiet"
              onClick={() => {
                close();
                what();
              }}
            >
              {label}
            </Button>
          );
          return (
            <div className="menu-items">
              {row.status === 'COMPLETED' &&
                item('Repeat, with the data of now', () => repeat(false))}
              {row.status === 'COMPLETED' && item('Repeat, exactly as it was', () => repeat(true))}
              {row.status === 'COMPLETED' && item('On a schedule …', schedule)}
              {item('Show details', () => setSearch({ export: row.id }))}
              {item('Delete …', () => setAsking({ what: 'delete' }))}
            </div>
          );
        }}
      </Menu>
      <Dialog title="That did not work" open={problem !== null} onClose={() => setProblem(null)}>
        {problem && <ProblemNotice problem={problem} />}
      </Dialog>
      <Dialog
        title="Delete this export?"
        open={asking?.what === 'delete'}
        onClose={() => setAsking(null)}
        actions={
          <>
            <span className="spring" />
            <Button onClick={() => setAsking(null)}>Keep it</Button>
            <Button kind="danger" busy={busy} onClick={remove}>
              Delete
            </Button>
          </>
        }
      >
        <p className="wrap-anywhere">
          {name} goes, with its file{isGoingOn(row.status) ? '; it is stopped first' : ''}. The data
          it was made of stay.
        </p>
      </Dialog>
      {asking?.what === 'schedule' && (
        <ScheduleDialog input={asking.input} onClose={() => setAsking(null)} />
      )}
    </div>
  );
}

const NO_RECIPE: Problem = {
  title: 'Its recipe is not there any more',
  what: 'Exports that have expired keep none: choose Download where the data are.',
  canRetry: false,
};
