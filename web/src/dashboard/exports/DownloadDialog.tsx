/** Choosing what a file is to hold, with what would come of it beside the choices. */

import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { problemOf } from '../api/problems';
import type { Shown } from '../shown';
import { Button, Dialog, Notice, ProblemNotice } from '../ui';
import { setSearch } from '../url/state';
import { ChoiceForm } from './ChoiceForm';
import { AccessQuery, ExportCreate, ExportEstimate } from './documents';
import { EstimatePanel } from './EstimatePanel';
import {
  type Choices,
  changed,
  filterOnScreen,
  firstChoices,
  inputOf,
  nameOf,
  type Selection,
} from './recipe';
import { ScheduleDialog } from './ScheduleDialog';
import { watchExport } from './watched';
import '../ui/page.css';
import './exports.css';

interface DownloadDialogProps {
  selection: Selection;
  /** The experiment whose rights are shown; null if it is not known which. */
  experimentId: string | null;
  shown: Shown | null;
  onClose: () => void;
}

const TYPING_MS = 350;

export default function DownloadDialog(props: DownloadDialogProps) {
  const { selection, experimentId, shown, onClose } = props;
  const { client } = useApi();
  const [choices, setChoices] = useState(() => firstChoices(shown));
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const [isScheduling, setScheduling] = useState(false);
  const filter = filterOnScreen(shown);
  const input = inputOf(selection, choices, filter);

  const [{ data: rights }] = useQuery({
    query: AccessQuery,
    variables: { experimentId: experimentId ?? '' },
    pause: experimentId === null,
  });
  const access = rights?.experiment?.access;
  const settled = useSettled(JSON.stringify({ ...input, reason: undefined }), TYPING_MS);
  const nothing = choices.dataTypes.length === 0;
  const [estimate, estimateAgain] = useQuery({
    query: ExportEstimate,
    variables: { input: JSON.parse(settled) },
    requestPolicy: 'network-only',
    pause: nothing,
  });
  const problem = problemOf(estimate.error);
  const isCurrent = settled === JSON.stringify({ ...input, reason: undefined });

  const choose = (next: Partial<Choices>) => {
    setRefusal(null);
    setChoices((before) => changed(before, next));
  };
  const start = async () => {
    setBusy(true);
    const { done, problem: refused } = await change(client, ExportCreate, { input });
    setBusy(false);
    if (refused) return setRefusal(refused);
    if (!done.export) return;
    watchExport(done.export.id);
    onClose();
    setSearch({ export: done.export.id });
  };

  if (isScheduling) return <ScheduleDialog input={input} onClose={onClose} />;
  return (
    <Dialog
      title={`Download ${nameOf(selection)}`}
      open
      wide
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" disabled={nothing} onClick={() => setScheduling(true)}>
            On a schedule …
          </Button>
          <span className="spring" />
          <Button onClick={onClose}>Close</Button>
          <Button
            kind="primary"
            busy={busy}
            disabled={nothing || access?.canExport === false || (isCurrent && problem !== null)}
            onClick={start}
          >
            Make the file
          </Button>
        </>
      }
    >
      {access?.canExport === false && (
        <Notice tone="warning" title="You may look at these data, not take them away">
          {access.why} Its owner can let you export it.
        </Notice>
      )}
      {refusal && <ProblemNotice problem={refusal} onRetry={start} />}
      <div className="download">
        <ChoiceForm
          choices={choices}
          onChoose={choose}
          filter={filter}
          rows={estimate.data?.exportEstimate.rows ?? null}
          access={access ?? null}
        />
        <section className="download-preview" aria-label="What it would hold" aria-live="polite">
          <h3>What it would hold</h3>
          {nothing ? (
            <p className="muted">Choose at least one data type.</p>
          ) : problem ? (
            <ProblemNotice
              problem={problem}
              onRetry={() => estimateAgain({ requestPolicy: 'network-only' })}
            />
          ) : (
            <EstimatePanel
              estimate={estimate.data?.exportEstimate ?? null}
              isStale={estimate.fetching || !isCurrent}
              anonymization={choices.anonymization}
            />
          )}
        </section>
      </div>
    </Dialog>
  );
}

/** The text as it was once it had stayed the same for a while. */
function useSettled(text: string, ms: number): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), ms);
    return () => clearTimeout(timer);
  }, [text, ms]);
  return settled;
}
