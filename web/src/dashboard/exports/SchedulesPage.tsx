/** Exports that are made again and again: when next, what came of the last, and an end to them. */

import { useState } from 'react';
import { change } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { type Problem, problemOf } from '../api/problems';
import { useKept } from '../api/useKept';
import { Badge, Button, Dialog, Empty, ProblemNotice, Spinner, toast } from '../ui';
import { ListTable } from '../ui/ListTable';
import { useSearchState } from '../url/state';
import { inWords } from './cron';
import { ExportTabs } from './ExportsPage';
import { moment, plural, STATUSES } from './wording';
import '../ui/page.css';
import './exports.css';

const SchedulesQuery = graphql(`
  query Schedules($after: String) {
    exportSchedules(first: 100, after: $after) {
      nodes {
        id
        name
        cron
        timeZone
        keepLast
        incremental
        nextAt
        lastAt
        lastMessage
        exports(first: 1) {
          totalCount
          nodes {
            id
            status
            createdAt
          }
        }
      }
      totalCount
    }
  }
`);
const ScheduleDelete = graphql(`
  mutation ScheduleDelete($id: ID!) {
    exportScheduleDelete(id: $id) {
      deletedId
      userErrors {
        message
        code
      }
    }
  }
`);
type Schedule = ResultOf<typeof SchedulesQuery>['exportSchedules']['nodes'][number];

export default function SchedulesPage() {
  const { client } = useApi();
  const [ending, setEnding] = useState<Schedule | null>(null);
  const [refused, setRefused] = useState<Problem | null>(null);
  const [{ data, error, fetching }, ask] = useKept({
    query: SchedulesQuery,
    variables: {},
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error);
  const again = () => ask({ requestPolicy: 'network-only' });
  const end = async () => {
    if (ending === null) return;
    const { problem: wrong } = await change(client, ScheduleDelete, { id: ending.id });
    setRefused(wrong);
    if (wrong) return;
    setEnding(null);
    toast('It fires no more.');
    again();
  };
  const rows = data?.exportSchedules.nodes ?? [];

  return (
    <section className="page stack" aria-labelledby="schedules-heading">
      <h1 id="schedules-heading" className="page-title">
        Exports
      </h1>
      <ExportTabs current="schedules" />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {data === undefined && fetching && <Spinner label="Asking for your schedules" />}
      {data && rows.length === 0 && (
        <Empty title="Nothing is made on a schedule">
          Choose Download where the data are, then “On a schedule”: a copy each night, say.
        </Empty>
      )}
      {rows.length > 0 && (
        <ListTable
          label="Schedules"
          rows={rows}
          keyOf={(row) => row.id}
          columns={[
            {
              label: 'Schedule',
              cell: (row) => (
                <>
                  <strong>{row.name}</strong>
                  <span className="sub">
                    {inWords(row.cron)}, {row.timeZone}
                    {row.incremental && ' · only what is new'}
                    {row.keepLast !== null && ` · keeps ${plural(row.keepLast, 'file')}`}
                  </span>
                </>
              ),
            },
            { label: 'Next', cell: (row) => (row.nextAt ? moment(row.nextAt) : 'never') },
            { label: 'Last', cell: (row) => <LastCell row={row} /> },
            { label: 'Exports', numeric: true, cell: (row) => row.exports.totalCount },
            {
              label: 'Actions',
              actions: true,
              cell: (row) => (
                <Button kind="quiet" onClick={() => setEnding(row)}>
                  Delete …
                </Button>
              ),
            },
          ]}
        />
      )}
      <Dialog
        title="Delete this schedule?"
        open={ending !== null}
        onClose={() => setEnding(null)}
        actions={
          <>
            <span className="spring" />
            <Button onClick={() => setEnding(null)}>Keep it</Button>
            <Button kind="danger" onClick={end}>
              Delete
            </Button>
          </>
        }
      >
        {refused && <ProblemNotice problem={refused} />}
        <p>“{ending?.name}” fires no more. What it has exported stays until its time is over.</p>
      </Dialog>
    </section>
  );
}

function LastCell({ row }: { row: Schedule }) {
  const [, setOpen] = useSearchState('export');
  const [last] = row.exports.nodes;
  if (row.lastAt === null) return <>not yet</>;
  return (
    <>
      {last ? (
        <button type="button" className="link-button" onClick={() => setOpen(last.id)}>
          {moment(last.createdAt)}
        </button>
      ) : (
        moment(row.lastAt)
      )}{' '}
      {last && <Badge tone={STATUSES[last.status].tone}>{STATUSES[last.status].name}</Badge>}
      {row.lastMessage && <span className="sub">{row.lastMessage}</span>}
    </>
  );
}
