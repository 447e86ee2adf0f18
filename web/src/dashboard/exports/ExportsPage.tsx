/** The exports that one has asked for: fetched again, made again, on a schedule, deleted. */

import { useCallback, useEffect, useState } from 'react';
import { useApi } from '../api/client';
import { problemOf } from '../api/problems';
import { useKept } from '../api/useKept';
import { Badge, Button, Empty, ProblemNotice, Progress, Spinner, Tabs } from '../ui';
import { ListTable } from '../ui/ListTable';
import { useSearchState } from '../url/state';
import { type ExportRowData, ExportsQuery } from './documents';
import { ExportActions } from './ExportActions';
import { useExport } from './useExport';
import {
  ANONYMIZATIONS,
  FORMATS,
  isGoingOn,
  moment,
  PACKAGINGS,
  plural,
  STATUSES,
  size,
} from './wording';
import '../ui/page.css';
import './exports.css';

export default function ExportsPage({ experimentId }: { experimentId?: string | undefined }) {
  const { client } = useApi();
  const [more, setMore] = useState<ExportRowData[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [{ data, error, fetching }, ask] = useKept({
    query: ExportsQuery,
    variables: {},
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error);
  const again = useCallback(() => {
    setMore([]);
    setCursor(null);
    ask({ requestPolicy: 'network-only' });
  }, [ask]);

  const rows = [...(data?.exports.nodes ?? []), ...more];
  const next =
    cursor ?? (data?.exports.pageInfo.hasNextPage ? data.exports.pageInfo.endCursor : '');
  const showMore = async () => {
    const page = await client
      .query(ExportsQuery, { after: next }, { requestPolicy: 'network-only' })
      .toPromise();
    if (!page.data) return;
    setMore([...more, ...page.data.exports.nodes]);
    setCursor(page.data.exports.pageInfo.hasNextPage ? page.data.exports.pageInfo.endCursor : '');
  };

  return (
    <section className="page stack" aria-labelledby="exports-heading">
      <h1 id="exports-heading" className="page-title">
        Exports
      </h1>
      {experimentId === undefined ? (
        <ExportTabs current="exports" />
      ) : (
        <p className="muted">Yours, of all experiments: one export may hold several.</p>
      )}
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {data === undefined && fetching && <Spinner label="Asking for your exports" />}
      {data && rows.length === 0 && (
        <Empty title="There are no exports yet">
          Open an experiment, a room or a participant, and choose Download: the file will be kept
          here for a week.
        </Empty>
      )}
      {rows.length > 0 && (
        <ListTable
          label="Exports"
          rows={rows}
          keyOf={(row) => row.id}
          columns={[
            { label: 'File', cell: (row) => <FileCell row={row} /> },
            { label: 'State', cell: (row) => <StateCell row={row} onEnd={again} /> },
            { label: 'Made of', cell: (row) => <HowCell row={row} /> },
            {
              label: 'Rows',
              numeric: true,
              cell: (row) =>
                (row.progress.totalRows ?? row.progress.completedRows).toLocaleString('en'),
            },
            {
              label: 'Size',
              numeric: true,
              cell: (row) => (row.fileSize === null ? '–' : size(Number(row.fileSize))),
            },
            { label: 'Asked for', cell: (row) => moment(row.createdAt) },
            {
              label: 'Actions',
              actions: true,
              cell: (row) => <ExportActions row={row} onChanged={again} />,
            },
          ]}
        />
      )}
      {next !== '' && next !== null && (
        <div>
          <Button onClick={showMore}>Show more</Button>{' '}
          <span className="muted">
            {rows.length} of {plural(data?.exports.totalCount ?? 0, 'export')}
          </span>
        </div>
      )}
    </section>
  );
}

export function ExportTabs({ current }: { current: 'exports' | 'schedules' }) {
  return (
    <Tabs
      label="Exports"
      current={current}
      items={[
        { id: 'exports', label: 'Exports', href: '/exports' },
        { id: 'schedules', label: 'Schedules', href: '/exports/schedules' },
      ]}
    />
  );
}

function FileCell({ row }: { row: ExportRowData }) {
  const [, setOpen] = useSearchState('export');
  return (
    <>
      <button type="button" className="link-button file-name" onClick={() => setOpen(row.id)}>
        {row.fileName ?? 'Not named yet'}
      </button>
      {row.schedule && <span className="sub">by the schedule “{row.schedule.name}”</span>}
    </>
  );
}

function HowCell({ row }: { row: ExportRowData }) {
  return (
    <>
      {FORMATS[row.format].name}, {PACKAGINGS[row.packaging].name.toLowerCase()}
      <span className={`sub${row.anonymization === 'KEEP' ? ' warn-text' : ''}`}>
        {ANONYMIZATIONS[row.anonymization].name}
      </span>
    </>
  );
}

function StateCell({ row, onEnd }: { row: ExportRowData; onEnd: () => void }) {
  if (isGoingOn(row.status)) return <GoingOn row={row} onEnd={onEnd} />;
  const { name, tone } = STATUSES[row.status];
  return (
    <>
      <Badge tone={tone}>{name}</Badge>
      {row.status === 'FAILED' && <span className="sub">{row.errorMessage}</span>}
      {row.status === 'COMPLETED' && row.expiresAt && (
        <span className="sub">until {moment(row.expiresAt)}</span>
      )}
    </>
  );
}

function GoingOn({ row, onEnd }: { row: ExportRowData; onEnd: () => void }) {
  const { row: now } = useExport(row.id);
  const { status, progress } = now ?? row;
  const isOver = !isGoingOn(status);
  useEffect(() => {
    if (isOver) onEnd();
  }, [isOver, onEnd]);
  return (
    <>
      <Badge tone={STATUSES[status].tone}>{STATUSES[status].name}</Badge>
      <Progress value={progress.percent} max={100} label="Progress of the export" />
      <span className="sub">{progress.message}</span>
    </>
  );
}
