import { Link } from 'wouter';
import { Button } from '../ui';
import { dataPath, type Place } from '../url/place';
import type { TimelineEvent } from './eventsQuery';
import type { Room } from './people';
import { useTimeAxis } from './TimeAxis';
import { formatOnset } from './timeScale';

interface EventListProps {
  place: Place;
  events: readonly TimelineEvent[];
  room: Room;
  onClose(): void;
}

const MOST = 50;

/** The events of one mark, to be read, and opened as rows. */
export function EventList({ place, events, room, onClose }: EventListProps) {
  const axis = useTimeAxis();
  const first = events[0]?.onset ?? 0;
  const last = events.at(-1)?.onset ?? first;
  return (
    <section className="event-list" aria-label="Events of the mark">
      <div className="event-list-head">
        <h3>
          {events.length === 1 ? '1 event' : `${events.length} events`}, {formatOnset(first, 100)}
          {last > first && ` – ${formatOnset(last, 100)}`}
        </h3>
        {last > first && (
          <Button
            kind="quiet"
            onClick={() => axis.setWindow({ from: first - 500, to: last + 500 })}
          >
            Zoom in on them
          </Button>
        )}
        <Button kind="quiet" onClick={onClose}>
          Close
        </Button>
      </div>
      <ol>
        {events.slice(0, MOST).map(({ id, onset, participantId, eventType, content }) => {
          const person = room.personOf(participantId);
          return (
            <li key={id}>
              <span className="event-time">{formatOnset(onset, 100)}</span>
              <span className="legend-key" style={{ background: person.color }} />
              <span className="event-who">{person.label}</span>
              <Link href={`${dataPath(place, 'events')}?row=${encodeURIComponent(id)}`}>
                {eventType}
              </Link>
              <span className="event-content">{content}</span>
            </li>
          );
        })}
      </ol>
      {events.length > MOST && <p className="muted">And {events.length - MOST} more: zoom in.</p>}
    </section>
  );
}
