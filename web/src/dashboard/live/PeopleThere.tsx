/** Each person of the room: whether they are there, their last minute, and what has stopped. */

import type { Room } from '../plots/people';
import { formatLength } from '../plots/timeScale';
import { nameOf } from '../quality/quality';
import { Badge, type BadgeTone, Empty } from '../ui';
import type { Activity } from './documents';
import type { Live, Sample } from './useLive';

type Participants = Activity['rooms'][number]['participants'];
type Silences = Activity['silences'];

interface PeopleThereProps {
  people: Room;
  participants: Participants;
  silences: Silences;
  /** Ms by which the server's clock is ahead of this computer's. */
  clockAhead: number;
  live: Live;
  now: number;
}

const STATES: Record<string, [text: string, tone: BadgeTone]> = {
  ACTIVE: ['there', 'good'],
  COMPLETED: ['done', 'accent'],
  DISCONNECTED: ['gone', 'bad'],
};

export function PeopleThere({
  people,
  participants,
  silences,
  clockAhead,
  live,
  now,
}: PeopleThereProps) {
  const known = new Map(participants.map((one) => [one.participantId, one.status]));
  const everyone =
    people.people.length > 0
      ? people.people
      : participants.map((one) => people.personOf(one.participantId));
  return (
    <section className="panel live-people" aria-label="Who is there">
      <h2>Who is there</h2>
      {everyone.length === 0 && <Empty title="Nobody has joined yet" />}
      <ul>
        {everyone.map((person) => {
          const [text, tone] = STATES[known.get(person.participantId) ?? ''] ?? [
            'not there',
            'neutral',
          ];
          const heard = live.heard.get(person.participantId);
          return (
            <li key={person.participantId}>
              <p className="live-person">
                <span className="legend-key" style={{ background: person.color }} />
                <strong>{person.label}</strong>
                <Badge tone={tone}>{text}</Badge>
              </p>
              <Sparkline
                samples={live.samples.get(person.participantId) ?? []}
                color={person.color}
              />
              <p className="muted live-heard">
                {heard === undefined ? 'Nothing yet' : `Last record ${ago(now - heard)}`}
              </p>
              {silences
                .filter(({ participantId }) => participantId === person.participantId)
                .map(({ dataType, lastTimestamp }) => (
                  <p key={dataType} className="live-silence">
                    {nameOf(dataType)} stopped {ago(now + clockAhead - Date.parse(lastTimestamp))}
                  </p>
                ))}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function ago(ms: number): string {
  if (ms < 2000) return 'just now';
  if (ms > 48 * 3_600_000) return `${Math.round(ms / 86_400_000)} days ago`;
  return `${formatLength(Math.floor(ms / 1000) * 1000)} ago`;
}

const WIDTH = 240;
const HEIGHT = 36;
const MINUTE = 60_000;

function Sparkline({ samples, color }: { samples: readonly Sample[]; color: string }) {
  const last = samples.at(-1);
  if (!last) return <div className="live-spark blank">No ratings yet</div>;
  const points = samples.flatMap(({ onset, value }) =>
    value === null
      ? []
      : [
          `${(WIDTH * (1 - (last.onset - onset) / MINUTE)).toFixed(1)},${(HEIGHT - 2 - (HEIGHT - 4) * value).toFixed(1)}`,
        ],
  );
  return (
    <svg
      className="live-spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Ratings of the last minute, now ${last.value?.toFixed(2) ?? 'none'}`}
    >
      <polyline
        points={points.join(' ')}
        fill="none"
        style={{ stroke: color }}
        strokeWidth={1.5}
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
