/** Completeness of each room, or of each participant of a room, type by type. */

import { useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { problemOf } from '../api/problems';
import { scopeVariables } from '../plots/scope';
import { Button, ProblemNotice, Spinner } from '../ui';
import { type Place, placePath } from '../url/place';
import { Bar } from './Bar';
import { BELOW, type Cell } from './documents';
import { DATA_TYPES, nameOf } from './quality';

interface Row {
  key: string;
  name: string;
  title: string;
  href: string;
  completeness: number | null;
  cells: Cell[];
}

export function BelowTable({ place }: { place: Place }) {
  const [before, setBefore] = useState<Row[]>([]);
  const [after, setAfter] = useState<string | null>(null);
  const { experimentId, roomId, atExperiment, atRoom } = scopeVariables(place);
  const variables = useMemo(
    () => ({ experimentId, roomId, atExperiment, atRoom, after }),
    [experimentId, roomId, atExperiment, atRoom, after],
  );
  const [{ data, error, fetching }, ask] = useQuery({ query: BELOW, variables });
  const rooms = data?.experiment?.rooms;
  const participants = data?.room?.participants;
  const page = rooms ?? participants;
  const rows = useMemo<Row[]>(() => {
    const found =
      rooms?.nodes.map((room) => ({
        key: room.roomId,
        name: room.roomId,
        title: room.status === 'ACTIVE' ? 'going on' : '',
        href: placePath({ experimentId, roomId: room.roomId }, 'quality'),
        completeness: room.quality.completeness,
        cells: room.dataSummary,
      })) ??
      participants?.nodes.map(({ participantId, role, quality, dataSummary }) => ({
        key: participantId,
        name: participantId,
        title: role ?? '',
        href: placePath({ experimentId, roomId, participantId }, 'quality'),
        completeness: quality.completeness,
        cells: dataSummary,
      })) ??
      [];
    const known = new Set(before.map(({ key }) => key));
    return [...before, ...found.filter(({ key }) => !known.has(key))];
  }, [rooms, participants, before, experimentId, roomId]);
  const types = DATA_TYPES.filter((type) =>
    rows.some(({ cells }) => cells.some(({ dataType }) => dataType === type)),
  );
  const problem = problemOf(error);
  const what = atExperiment ? 'rooms' : 'participants';
  return (
    <section className="panel quality-below" aria-labelledby="below" aria-busy={fetching}>
      <header>
        <h2 id="below">{atExperiment ? 'Room by room' : 'Participant by participant'}</h2>
        {page && (
          <p className="muted">
            {rows.length < page.totalCount
              ? `${rows.length} of ${page.totalCount.toLocaleString('en')} ${what}`
              : `${page.totalCount.toLocaleString('en')} ${page.totalCount === 1 ? what.slice(0, -1) : what}`}
          </p>
        )}
      </header>
      {problem && (
        <ProblemNotice problem={problem} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      )}
      {!page && !problem && <Spinner />}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
        <section className="quality-scroll" tabIndex={0} aria-label={`Completeness of ${what}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{atExperiment ? 'Room' : 'Participant'}</th>
                <th scope="col">All</th>
                {types.map((type) => (
                  <th key={type} scope="col">
                    {nameOf(type)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key}>
                  <th scope="row">
                    <Link href={row.href} className="mono">
                      {row.name}
                    </Link>{' '}
                    {row.title && <span className="muted">{row.title}</span>}
                  </th>
                  <td>
                    <Bar small completeness={row.completeness} expected={null} label="All types" />
                  </td>
                  {types.map((type) => (
                    <CellOf key={type} cell={row.cells.find(({ dataType }) => dataType === type)} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {page?.pageInfo.hasNextPage && (
        <Button
          busy={fetching}
          onClick={() => {
            setBefore(rows);
            setAfter(page.pageInfo.endCursor);
          }}
        >
          Show the next {Math.min(50, page.totalCount - rows.length)}
        </Button>
      )}
    </section>
  );
}

function CellOf({ cell }: { cell: Cell | undefined }) {
  return (
    <td>
      {cell && (
        <Bar
          small
          completeness={cell.completeness}
          expected={cell.expectedCount}
          label={`${nameOf(cell.dataType)}, ${cell.recordCount.toLocaleString('en')} records`}
        />
      )}
    </td>
  );
}
