import type { Room } from '../plots/people';
import { formatOnset } from '../plots/timeScale';
import { Empty } from '../ui';
import type { LiveRecord } from './documents';

/** What came last, the newest on top. */
export function Feed({ rows, room }: { rows: readonly LiveRecord[]; room: Room }) {
  return (
    <section className="panel live-feed" aria-label="Records that came last">
      <h2>What came last</h2>
      {rows.length === 0 && (
        <Empty title="Nothing yet">Records are shown here as they come in.</Empty>
      )}
      <ol>
        {rows.map((record) => {
          const person = room.personOf(record.participantId);
          const [what, detail] = toldOf(record);
          return (
            <li key={record.id}>
              <span className="event-time" title={record.timestamp}>
                {formatOnset(record.onset, 100)}
              </span>
              <span className="legend-key" style={{ background: person.color }} />
              <span className="event-who">{person.label}</span>
              <span>{what}</span>
              <span className="event-content">{detail}</span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function toldOf(record: LiveRecord): [what: string, detail: string] {
  switch (record.__typename) {
    case 'Event':
      return [record.eventType, record.what ?? ''];
    case 'Recording':
      return ['recording', `${record.kind.toLowerCase()}, ${record.status}`];
    case 'ChatMessage':
      return ['message', record.said];
    case 'ContinuousRating':
      return ['continuous rating', record.rating?.toFixed(3) ?? 'no value'];
    case 'SparseRating':
      return ['sparse rating', [record.question, textOf(record.answer)].filter(Boolean).join(' ')];
    case 'SyncMetric':
      return [
        'sync metric',
        `${Math.round(record.timeDrift ?? 0)} ms, ${record.band?.toLowerCase() ?? 'no drift'}`,
      ];
    case 'Component':
      return [`component ${record.componentType}`, record.stateName ?? ''];
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
}
