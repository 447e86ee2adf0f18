/** What is wrong with the data, the worst first: what it likely comes from, and whose it is. */

import { useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { problemOf } from '../api/problems';
import { ofScope, scopeVariables } from '../plots/scope';
import { formatLength } from '../plots/timeScale';
import { Badge, Button, Empty, Notice, ProblemNotice, Spinner } from '../ui';
import { type Place, placePath } from '../url/place';
import { ISSUES, type Issue } from './documents';
import { formatTime, groupsOf, nameOf, type Severity, TONES, titleOf, WORDS } from './quality';

const SEVERITIES: Severity[] = ['ERROR', 'WARNING', 'INFO'];

export function Issues({ place }: { place: Place }) {
  const variables = useMemo(() => scopeVariables(place), [place]);
  const [only, setOnly] = useState<Severity | null>(null);
  const [{ data, error, fetching }, ask] = useQuery({
    query: ISSUES,
    variables,
    requestPolicy: 'cache-and-network',
  });
  const report = ofScope(data)?.quality;
  const problem = problemOf(error);
  const counts = SEVERITIES.map(
    (severity) =>
      [severity, report?.issues.filter((one) => one.severity === severity).length ?? 0] as const,
  );
  const issues = (report?.issues ?? []).filter(
    ({ severity }) => only === null || severity === only,
  );
  return (
    <section className="panel quality-issues" aria-labelledby="issues" aria-busy={fetching}>
      <header>
        <h2 id="issues">Issues</h2>
        <fieldset className="severities" aria-label="Which issues to show">
          {counts.map(
            ([severity, count]) =>
              count > 0 && (
                <Button
                  key={severity}
                  kind="quiet"
                  aria-pressed={only === severity}
                  onClick={() => setOnly(only === severity ? null : severity)}
                >
                  <Badge tone={TONES[severity]}>
                    {count} {WORDS[severity].toLowerCase()}
                    {count === 1 ? '' : 's'}
                  </Badge>
                </Button>
              ),
          )}
        </fieldset>
        {report && <p className="muted">Looked at {formatTime(report.checkedAt)} UTC</p>}
        <Button kind="quiet" onClick={() => ask({ requestPolicy: 'network-only' })} busy={fetching}>
          Look again
        </Button>
      </header>
      {problem && (
        <ProblemNotice problem={problem} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      )}
      {!report && !problem && <Spinner label="Looking through the records" />}
      {report?.truncated && (
        <Notice tone="warning" title="There are more than these 500">
          Open a room or a participant to see all of theirs.
        </Notice>
      )}
      {report?.issues.length === 0 && (
        <Empty title="Nothing is wrong, as far as can be told">
          Every check that your rights cover found these data as they should be.
        </Empty>
      )}
      {groupsOf(issues).map((group) => (
        <Group key={`${group[0]?.severity} ${group[0]?.code}`} group={group} place={place} />
      ))}
    </section>
  );
}

const FEW = 5;

function Group({ group, place }: { group: Issue[]; place: Place }) {
  const [isOpen, setOpen] = useState(false);
  const [first] = group;
  if (!first) return null;
  const causes = new Set(group.map(({ likelyCause }) => likelyCause));
  const cause = causes.size === 1 ? first.likelyCause : null;
  const shown = isOpen ? group : group.slice(0, FEW);
  return (
    <article className={`issue ${first.severity.toLowerCase()}`}>
      <h3>
        <Badge tone={TONES[first.severity]}>{WORDS[first.severity]}</Badge>
        {titleOf(first.code)}
        {group.length > 1 && <span className="muted">{group.length} times</span>}
      </h3>
      {cause && (
        <p className="issue-cause">
          <Words text={cause} />
        </p>
      )}
      <ul>
        {shown.map((issue, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an issue has no other name.
          <li key={at}>
            <p>
              <Words text={issue.message} />
              {issue.likelyCause && !cause && (
                <span className="muted">
                  {' '}
                  <Words text={issue.likelyCause} />
                </span>
              )}
            </p>
            <p className="issue-where">
              {issue.dataType && <span>{nameOf(issue.dataType)}</span>}
              <Whose issue={issue} place={place} />
              <When issue={issue} />
            </p>
          </li>
        ))}
      </ul>
      {group.length > FEW && (
        <Button kind="quiet" onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Show fewer' : `Show all ${group.length}`}
        </Button>
      )}
    </article>
  );
}

/** A sentence of the server's, in which names stand in backticks. */
function Words({ text }: { text: string }) {
  return text.split('`').map((part, at) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place.
    at % 2 ? <code key={at}>{part}</code> : part,
  );
}

/** Leads to the participant's timeline, at the time where something is wrong. */
function Whose({ issue, place }: { issue: Issue; place: Place }) {
  const { participant } = issue;
  if (!participant) return null;
  const { room, participantId, role } = participant;
  const there = { experimentId: place.experimentId, roomId: room.roomId };
  const address = `${placePath(there, 'timeline')}${windowOf(issue, room.experimentStart)}`;
  return (
    <Link href={address} title="See it on the room’s timeline">
      {place.roomId === undefined && `${room.roomId} · `}
      {role ?? 'participant'} {participantId.slice(0, 6)}…
    </Link>
  );
}

/** Around what is wrong: as much before and after as it lasts, and 10 s at least. */
function windowOf({ firstAt, lastAt }: Issue, experimentStart: string | null): string {
  if (firstAt === null || experimentStart === null) return '';
  const zero = Date.parse(experimentStart);
  const from = Date.parse(firstAt) - zero;
  const to = Date.parse(lastAt ?? firstAt) - zero;
  const around = Math.max(10_000, to - from);
  return `?from=${from - around}&to=${to + around}`;
}

function When({ issue: { firstAt, lastAt } }: { issue: Issue }) {
  if (firstAt === null) return null;
  const length = lastAt === null ? 0 : Date.parse(lastAt) - Date.parse(firstAt);
  return (
    <span>
      {formatTime(firstAt)} UTC{length >= 1000 && `, for ${formatLength(length)}`}
    </span>
  );
}
