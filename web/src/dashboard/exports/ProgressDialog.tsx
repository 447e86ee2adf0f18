/** How an export goes on: bar, message, rows, cancel; and what became of it. */

import { useState } from 'react';
import { Link } from 'wouter';
import { change } from '../api/changes';
import { useApi } from '../api/client';
import type { Problem } from '../api/problems';
import { Button, Dialog, Notice, ProblemNotice, Progress } from '../ui';
import { ExportCancel, ExportRetry, type ExportRowData } from './documents';
import { saveExport } from './saving';
import { useExport } from './useExport';
import { watchExport } from './watched';
import { adviceOn, count, isGoingOn, isTryable, moment, plural, size } from './wording';
import '../ui/page.css';
import './exports.css';

export default function ProgressDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { client } = useApi();
  const { row, problem: lost, isBehind, again } = useExport(id);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);

  const act = async (what: () => Promise<Problem | null>) => {
    setBusy(true);
    setProblem(await what());
    setBusy(false);
  };
  const cancel = () => act(async () => (await change(client, ExportCancel, { id })).problem);
  const save = () => act(() => saveExport(client, id));
  const retry = () =>
    act(async () => {
      const { problem: refused } = await change(client, ExportRetry, { id });
      if (refused === null) {
        watchExport(id);
        again();
      }
      return refused;
    });
  const isOpenEnded = row !== null && isGoingOn(row.status);

  return (
    <Dialog
      title={titleOf(row)}
      open
      onClose={onClose}
      actions={
        <>
          {isOpenEnded && (
            <Button kind="danger" busy={busy || row.status === 'CANCELING'} onClick={cancel}>
              Cancel the export
            </Button>
          )}
          <span className="spring" />
          <Button onClick={onClose}>{isOpenEnded ? 'Go on in the background' : 'Close'}</Button>
          {row?.status === 'COMPLETED' && (
            <Button kind="primary" busy={busy} onClick={save}>
              Download again
            </Button>
          )}
          {row && isTryable(row.status) && (
            <Button kind="primary" busy={busy} onClick={retry}>
              Try it again
            </Button>
          )}
        </>
      }
    >
      <div className="stack">
        {isBehind && (
          <Notice tone="warning" title="The connection was lost">
            The export goes on at the server. This page is connecting again by itself, and asks for
            the state every few seconds until then.
          </Notice>
        )}
        {lost && row === null && <ProblemNotice problem={lost} onRetry={again} />}
        {problem && <ProblemNotice problem={problem} />}
        {row === null ? (
          !lost && <p className="muted">Asking how it stands …</p>
        ) : (
          <State row={row} />
        )}
        {row && row.status !== 'FAILED' && (
          <p className="muted">
            {isOpenEnded
              ? 'You can close this page: the server goes on, and the file will be in the list of '
              : 'It is in the list of '}
            <Link href="/exports">exports</Link>.
          </p>
        )}
      </div>
    </Dialog>
  );
}

function titleOf(row: ExportRowData | null): string {
  switch (row?.status) {
    case undefined:
      return 'Export';
    case 'CREATED':
      return 'Waiting for its turn';
    case 'RUNNING':
      return 'Writing the file';
    case 'CANCELING':
      return 'Stopping';
    case 'CANCELED':
      return 'Canceled';
    case 'COMPLETED':
      return 'The file is ready';
    case 'FAILED':
      return 'The export has failed';
    case 'EXPIRED':
      return 'The file has expired';
  }
}

function State({ row }: { row: ExportRowData }) {
  const { percent, completedRows, totalRows, message, bytesWritten } = row.progress;
  switch (row.status) {
    case 'COMPLETED':
      return (
        <>
          <Progress value={100} max={100} label="Progress of the export" />
          <p>
            <strong className="file-name">{row.fileName}</strong>
            {row.fileSize !== null && <> · {size(Number(row.fileSize))}</>} ·{' '}
            {plural(completedRows, 'row')}
          </p>
          {row.sha256 && (
            <p className="muted">
              SHA-256 <code className="hash">{row.sha256}</code>
            </p>
          )}
          {row.expiresAt && <p className="muted">Kept until {moment(row.expiresAt)}.</p>}
        </>
      );
    case 'FAILED':
      return (
        <Notice tone="error" title={row.errorMessage ?? 'The server did not say why.'}>
          {adviceOn(row.errorCode)}
        </Notice>
      );
    case 'CANCELED':
      return (
        <Notice tone="info">It was stopped; there is no file, and nothing half-written.</Notice>
      );
    case 'EXPIRED':
      return (
        <Notice tone="info">
          Its time was over, or somebody in it has withdrawn. Trying it again makes the file anew,
          without those who have.
        </Notice>
      );
    default:
      return (
        <>
          <Progress
            value={row.status === 'CREATED' && percent === 0 ? null : percent}
            max={100}
            label="Progress of the export"
          />
          <div className="progress-line">
            <span role="status">{message || 'Waiting for a worker'}</span>
            <span className="figures">
              {count(completedRows)}
              {totalRows !== null && <> of {count(totalRows)}</>} rows
              {Number(bytesWritten) > 0 && <> · {size(Number(bytesWritten))}</>} ·{' '}
              {Math.floor(percent)} %
            </span>
          </div>
        </>
      );
  }
}
