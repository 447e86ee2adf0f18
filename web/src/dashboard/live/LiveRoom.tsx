/** A room that is going on: who is there, what comes in, and what has stopped. */

import { useEffect, useMemo, useRef, useState } from 'react';
import { useQuery, useSubscription } from 'urql';
import type { ResultOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { type Connection, useConnection } from '../api/socket';
import { useRoom } from '../plots/people';
import { formatLength, formatOnset } from '../plots/timeScale';
import { Badge, Empty, Notice, ProblemNotice, Spinner } from '../ui';
import type { Place } from '../url/place';
import { ACTIVITY, type Activity, LIVE_ROOM } from './documents';
import { Feed } from './Feed';
import { stalledFor } from './feed';
import { PeopleThere } from './PeopleThere';
import { RateTable } from './RateTable';
import { useLive } from './useLive';
import './live.css';

export default function LiveRoom({ place }: { place: Place }) {
  if (place.roomId === undefined) {
    return <Notice tone="info">Only a room can be watched: open one that is going on.</Notice>;
  }
  return <Watched key={place.roomId} place={{ ...place, roomId: place.roomId }} />;
}

function Watched({ place }: { place: Place & { roomId: string } }) {
  const [{ data, error }, ask] = useQuery({
    query: LIVE_ROOM,
    variables: { roomId: place.roomId },
    requestPolicy: 'cache-and-network',
  });
  const room = data?.room;
  const problem = problemOf(error);
  if (problem)
    return (
      <ProblemNotice problem={problem} onRetry={() => ask({ requestPolicy: 'network-only' })} />
    );
  if (room === null) return <Empty title="There is no such room">Or none that you may see.</Empty>;
  if (room === undefined) return <Spinner />;
  return <Watching place={place} room={room} />;
}

type RoomNow = NonNullable<ResultOf<typeof LIVE_ROOM>['room']>;

function Watching({ place, room }: { place: Place & { roomId: string }; room: RoomNow }) {
  const people = useRoom(place);
  const [first] = useState(room.events.nodes);
  const live = useLive(place.roomId, room.access.dataTypes, first);
  const variables = useMemo(() => ({ experimentId: place.experimentId }), [place.experimentId]);
  const [{ data, error }] = useSubscription({ query: ACTIVITY, variables });
  const activity = data?.experimentActivity ?? null;
  const now = useNow();
  const connection = useConnection();
  const here = activity?.rooms.find(({ roomId }) => roomId === place.roomId) ?? null;
  const isActive = activity ? here !== null : room.status === 'ACTIVE';
  const isConnected = connection === 'connected';
  const stalled = isActive && isConnected ? stalledFor(live.lastArrival, now) : null;
  const started = room.experimentStart ?? room.startTime;
  const problem = problemOf(live.ended ?? error);
  return (
    <div className="live">
      <header className="panel live-head">
        <Badge tone={isActive ? 'good' : 'neutral'}>{isActive ? 'Going on' : 'Over'}</Badge>
        <ConnectionBadge
          connection={connection}
          missesNothing={live.begun.size === room.access.dataTypes.length}
        />
        {isActive && started && (
          <span>
            <span className="muted">Since the start</span> {sinceThen(now - Date.parse(started))}
          </span>
        )}
        <span className="live-total">
          <strong>{live.received.toLocaleString('en')}</strong>{' '}
          <span className="muted">
            {live.received === 1 ? 'record' : 'records'} while you watched
          </span>
        </span>
      </header>
      {problem && <ProblemNotice problem={problem} />}
      {connection === 'lost' && (
        <Notice tone="warning" title="The connection is lost">
          It is being opened again. What comes in meanwhile is kept by the server, and shown here
          then.
        </Notice>
      )}
      <Back connection={connection} received={live.received} />
      {activity && !isActive && (
        <Notice tone="info" title="This room is not going on">
          What is added to it later is still shown here.
        </Notice>
      )}
      {stalled !== null && (
        <Notice
          tone="warning"
          title={
            live.received === 0
              ? `No record has come since you opened this, ${formatLength(stalled * 1000)} ago`
              : `No record has come for ${formatLength(stalled * 1000)}`
          }
        >
          The room is going on, so something should: look whether its participants are still
          connected.
        </Notice>
      )}
      <PeopleThere
        people={people}
        participants={here?.participants ?? []}
        silences={silencesOf(activity, place.roomId)}
        clockAhead={activity ? Date.parse(activity.at) - (clockOf(activity) ?? now) : 0}
        live={live}
        now={now}
      />
      <div className="live-columns">
        <RateTable types={room.access.dataTypes} rates={live.rates} now={now} />
        <Feed rows={live.rows} room={people} />
      </div>
    </div>
  );
}

const DAY_MS = 86_400_000;

const sinceThen = (ms: number) =>
  ms < 2 * DAY_MS ? formatOnset(ms) : `${Math.floor(ms / DAY_MS)} days`;

function silencesOf(activity: Activity | null, roomId: string) {
  return activity?.silences.filter((silence) => silence.roomId === roomId) ?? [];
}

/** When each message came, by this computer's clock, which may differ from the server's. */
const CAME = new WeakMap<Activity, number>();

function clockOf(activity: Activity): number | undefined {
  if (!CAME.has(activity)) CAME.set(activity, Date.now());
  return CAME.get(activity);
}

interface ConnectionBadgeProps {
  connection: Connection;
  missesNothing: boolean;
}

function ConnectionBadge({ connection, missesNothing }: ConnectionBadgeProps) {
  if (connection === 'connected' && missesNothing) return <Badge tone="good">Live</Badge>;
  return connection === 'lost' ? (
    <Badge tone="warning">Connecting again</Badge>
  ) : (
    <Badge>Connecting</Badge>
  );
}

const SAID_FOR_MS = 8000;

/** Says that the connection is back, for a moment, and how much came with it. */
function Back({ connection, received }: { connection: string; received: number }) {
  const lostAt = useRef<number | null>(null);
  const [came, setCame] = useState<number | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what counts is how much there was then.
  useEffect(() => {
    if (connection === 'lost') lostAt.current ??= received;
    if (connection !== 'connected' || lostAt.current === null) return;
    setCame(lostAt.current);
    lostAt.current = null;
    const timer = setTimeout(() => setCame(null), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [connection]);
  if (came === null) return null;
  const more = received - came;
  return (
    <Notice tone="good" title="Connected again">
      {more === 0
        ? 'Nothing was missed.'
        : `${more.toLocaleString('en')} records came since: none was missed.`}
    </Notice>
  );
}

/** This computer's clock, told each second. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
