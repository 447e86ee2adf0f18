/** Who did what to an experiment, when, from where and why. */

import { useState } from 'react';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { useKept } from '../api/useKept';
import { count } from '../exports/wording';
import { Badge, Button, Empty, Field, ProblemNotice, Spinner } from '../ui';
import { ListTable } from '../ui/ListTable';
import { useSearchState } from '../url/state';
import { ACTIONS, type AuditAction } from './actions';

const AuditQuery = graphql(`
  query Audit($experimentId: String!, $filter: AuditFilter, $after: String) {
    experiment(experimentId: $experimentId) {
      id
      auditLog(filter: $filter, first: 100, after: $after) {
        nodes {
          id
          at
          action
          allowed
          actorId
          apiKey
          resource
          address
          reason
        }
        pageInfo {
          hasNextPage
          endCursor
        }
        totalCount
      }
    }
  }
`);
type Page = NonNullable<NonNullable<ResultOf<typeof AuditQuery>['experiment']>['auditLog']>;

export default function AuditLog({ experimentId }: { experimentId: string }) {
  const { client } = useApi();
  const [action, setAction] = useSearchState('action');
  const [actor, setActor] = useSearchState('actor');
  const [refusedOnly, setRefusedOnly] = useSearchState('refused');
  const [more, setMore] = useState<{ of: string; pages: Page[] }>({ of: '', pages: [] });
  const filter = {
    ...(action ? { action: { in: [action as AuditAction] } } : {}),
    ...(actor ? { actorId: { in: [actor] } } : {}),
    ...(refusedOnly ? { allowed: { equals: false } } : {}),
  };
  const [{ data, error, fetching }, ask] = useKept({
    query: AuditQuery,
    variables: { experimentId, filter },
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error);
  const first = data?.experiment?.auditLog;
  const of = JSON.stringify(filter);
  const pages = first ? [first, ...(more.of === of ? more.pages : [])] : [];
  const last = pages.at(-1)?.pageInfo;
  const showMore = async () => {
    const { data: next } = await client
      .query(AuditQuery, { experimentId, filter, after: last?.endCursor ?? null })
      .toPromise();
    const page = next?.experiment?.auditLog;
    if (page) setMore({ of, pages: [...pages.slice(1), page] });
  };
  const rows = pages.flatMap((page) => page.nodes);

  return (
    <section className="stack" aria-label="Audit log">
      <div className="filters">
        <Field label="What was done">
          {(control) => (
            <select
              {...control}
              value={action ?? ''}
              onChange={(event) => setAction(event.target.value || null)}
            >
              <option value="">Anything</option>
              {Object.entries(ACTIONS).map(([id, name]) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="By the account">
          {(control) => (
            <input
              {...control}
              key={actor ?? ''}
              defaultValue={actor ?? ''}
              placeholder="usr_…"
              onBlur={(event) => setActor(event.target.value.trim() || null)}
              onKeyDown={(event) => {
                if (event.key === 'Enter') setActor(event.currentTarget.value.trim() || null);
              }}
            />
          )}
        </Field>
        <label className="choice">
          <input
            type="checkbox"
            checked={refusedOnly !== null}
            onChange={(event) => setRefusedOnly(event.target.checked ? 'yes' : null)}
          />
          <span>Only what was refused</span>
        </label>
        {first && <span className="muted">{count(first.totalCount)} entries</span>}
      </div>
      {problem && (
        <ProblemNotice problem={problem} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      )}
      {first === undefined && fetching && <Spinner label="Reading the log" />}
      {first && rows.length === 0 && (
        <Empty title="Nothing of that kind was noted">
          Grants, reads of identified data, exports, downloads and erasures are.
        </Empty>
      )}
      {rows.length > 0 && (
        <ListTable
          label="Audit log"
          rows={rows}
          keyOf={(entry) => entry.id}
          columns={[
            {
              label: 'When',
              cell: (entry) => (
                <time dateTime={entry.at}>{new Date(entry.at).toLocaleString('en-GB')}</time>
              ),
            },
            {
              label: 'What',
              cell: (entry) => (
                <>
                  {ACTIONS[entry.action]} {!entry.allowed && <Badge tone="bad">refused</Badge>}
                  {entry.reason && <span className="sub">“{entry.reason}”</span>}
                </>
              ),
            },
            {
              label: 'Who',
              cell: (entry) => (
                <>
                  {entry.actorId ?? 'nobody known'}
                  {entry.apiKey && <span className="sub">by the key {entry.apiKey}…</span>}
                </>
              ),
            },
            { label: 'To what', cell: (entry) => <Resource id={entry.resource} /> },
            { label: 'From', cell: (entry) => entry.address ?? '–' },
          ]}
        />
      )}
      {last?.hasNextPage && (
        <div>
          <Button onClick={showMore}>Show more</Button>
        </div>
      )}
    </section>
  );
}

/** A global id says what it is of once it is read; public ids stay as they are. */
function Resource({ id }: { id: string | null }) {
  if (id === null) return '–';
  return <code title={id}>{readable(id)}</code>;
}

function readable(id: string): string {
  try {
    const text = atob(id.replaceAll('-', '+').replaceAll('_', '/'));
    return /^[A-Za-z]+:[\w:.-]+$/.test(text) ? text.replace(':', ' ') : id;
  } catch {
    return id;
  }
}
