/** Recordings of a room side by side, all at one time of the session: the time of the cursor. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { problemOf } from '../api/problems';
import { Button, Empty, Notice, ProblemNotice } from '../ui';
import type { Place } from '../url/place';
import { ClipTile } from './ClipTile';
import { Figure } from './Figure';
import { useRoom } from './people';
import { mustSeek, placeIn, playableFrom } from './playback';
import { RECORDINGS, type Recording } from './recordingsQuery';
import { ofScope, scopeVariables } from './scope';
import { TimeAxis, useTimeAxis } from './TimeAxis';
import { formatOnset } from './timeScale';
import { useCursor } from './useCursor';

export default function Player({ place }: { place: Place }) {
  if (place.roomId === undefined) {
    return (
      <Notice tone="info">
        Recordings are played room by room: open a room to see its people side by side.
      </Notice>
    );
  }
  return (
    <TimeAxis>
      <Recordings place={place} />
    </TimeAxis>
  );
}

const SPEEDS = [0.5, 1, 1.5, 2];

/** A recording's begin by what it says itself; by its record's time where it does not. */
export const clipOf = ({ videoOffset, onset, duration }: Recording) => ({
  start: videoOffset ?? onset,
  duration,
});

export function Recordings({ place, plain = false }: { place: Place; plain?: boolean }) {
  const axis = useTimeAxis();
  const room = useRoom(place);
  const [withLinks, setWithLinks] = useState(false);
  const { atRoom, atParticipant, roomId, participantId } = scopeVariables(place);
  const variables = useMemo(
    () => ({ atRoom, atParticipant, roomId, participantId, withLinks }),
    [atRoom, atParticipant, roomId, participantId, withLinks],
  );
  const [{ data, fetching, error }, ask] = useQuery({ query: RECORDINGS, variables });
  const scope = ofScope(data);
  const recordings = scope?.recordings.nodes ?? NONE;
  const playable = recordings.filter(
    ({ fileName, fileDeletedAt }) => fileName !== null && fileDeletedAt === null,
  );
  const mayPlay = scope?.access.canSeeIdentified ?? false;

  const media = useRef(new Map<string, HTMLMediaElement>());
  const [speed, setSpeed] = useState(1);
  const [playing, setPlaying] = useState(false);
  const clips = useMemo(() => playable.map((one) => ({ ...clipOf(one), id: one.id })), [playable]);
  const { cursor } = axis;

  const linked = withLinks && !fetching;
  const play = () => {
    const from = playableFrom(clips, cursor.onset ?? Number.NEGATIVE_INFINITY);
    cursor.restAt(from ?? playableFrom(clips, Number.NEGATIVE_INFINITY));
    setWithLinks(true);
    setPlaying(true);
  };
  const stop = useCallback(() => setPlaying(false), []);
  useClock({ isRunning: playing && linked, clips, media: media.current, speed, onEnd: stop });

  // While nothing runs, each clip shows the picture of the time that was asked for.
  useEffect(
    () =>
      cursor.onSeek((onset) => {
        cursor.restAt(onset);
        for (const clip of clips) {
          const into = placeIn(clip, onset);
          const element = media.current.get(clip.id);
          if (element && into !== null) element.currentTime = into;
        }
      }),
    [cursor, clips],
  );
  useEffect(() => () => cursor.restAt(null), [cursor]);

  const lastAsked = useRef(0);
  const renew = useCallback(() => {
    if (Date.now() - lastAsked.current < 10_000) return; // once: it is not the link, then
    lastAsked.current = Date.now();
    ask({ requestPolicy: 'network-only' });
  }, [ask]);

  if (plain && scope && recordings.length === 0) return null;
  const problem = problemOf(error);
  return (
    <Figure
      title="Recordings"
      note={playable.length > 0 ? undefined : scope && 'There is nothing to play.'}
      fetching={fetching && !scope}
      problem={null}
      onRetry={() => ask()}
      tools={
        playable.length > 0 &&
        mayPlay && (
          <fieldset className="player-controls" aria-label="Playback">
            <Button kind="primary" onClick={playing ? stop : play}>
              {playing ? 'Pause' : 'Play'}
            </Button>
            <Button kind="quiet" onClick={() => cursor.seek((cursor.onset ?? 0) - 5000)}>
              5 s back
            </Button>
            <Button kind="quiet" onClick={() => cursor.seek((cursor.onset ?? 0) + 5000)}>
              5 s on
            </Button>
            <label className="inline-choice">
              <span>Speed</span>
              <select value={speed} onChange={({ target }) => setSpeed(Number(target.value))}>
                {SPEEDS.map((one) => (
                  <option key={one} value={one}>
                    {one} ×
                  </option>
                ))}
              </select>
            </label>
            <Clock />
          </fieldset>
        )
      }
    >
      {problem && (
        <ProblemNotice problem={problem} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      )}
      {scope && recordings.length === 0 && (
        <Empty title="No recordings">Nobody was recorded here.</Empty>
      )}
      {scope && recordings.length > 0 && !mayPlay && (
        <Notice tone="info" title="Recordings show who people are">
          You may see that they exist, and not play them. The owner of the experiment can share
          identified data with you.
        </Notice>
      )}
      <ul className="clips" aria-label="Recordings">
        {recordings.map((recording) => (
          <ClipTile
            key={recording.id}
            recording={recording}
            person={room.personOf(recording.participantId)}
            onMedia={(element) => {
              if (element) media.current.set(recording.id, element);
              else media.current.delete(recording.id);
            }}
            onBroken={renew}
            onChoose={() => cursor.seek(clipOf(recording).start)}
          />
        ))}
      </ul>
    </Figure>
  );
}

const NONE: Recording[] = [];

function Clock() {
  const onset = useCursor();
  return (
    <output className="player-clock">{onset === null ? '–:––' : formatOnset(onset, 100)}</output>
  );
}

interface ClockProps {
  isRunning: boolean;
  clips: readonly { id: string; start: number; duration: number | null }[];
  media: Map<string, HTMLMediaElement>;
  speed: number;
  onEnd(): void;
}

/** One clock for all clips: each is held to it, and it waits for who has not loaded yet. */
function useClock({ isRunning, clips, media, speed, onEnd }: ClockProps): void {
  const { cursor } = useTimeAxis();
  useEffect(() => {
    if (!isRunning) return;
    let at = cursor.onset ?? 0;
    let before = performance.now();
    let frame = 0;
    const stopSeeking = cursor.onSeek((onset) => {
      at = onset;
    });
    const tick = (now: number) => {
      const from = playableFrom(clips, at);
      if (from === null) {
        onEnd();
        return;
      }
      const running = clips.flatMap((clip) => {
        const element = media.get(clip.id);
        const into = placeIn(clip, from);
        if (element && into === null && !element.paused) element.pause();
        return element && into !== null ? [{ element, into }] : [];
      });
      const isWaiting = running.some(({ element }) => element.readyState < 2 && !element.error);
      at = isWaiting || from !== at ? from : at + (now - before) * speed;
      before = now;
      for (const { element, into } of running) {
        if (element.error) continue;
        if (mustSeek(element.currentTime, into) && !element.seeking) element.currentTime = into;
        element.playbackRate = speed;
        if (element.paused && !isWaiting) element.play().catch(() => undefined);
      }
      cursor.restAt(at);
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => {
      cancelAnimationFrame(frame);
      stopSeeking();
      for (const element of media.values()) element.pause();
    };
  }, [isRunning, clips, media, speed, onEnd, cursor]);
}
