import { useState } from 'react';
import { Button } from '../ui';
import type { Person } from './people';
import type { Recording } from './recordingsQuery';
import { formatLength, formatOnset } from './timeScale';

interface ClipTileProps {
  recording: Recording;
  person: Person;
  onMedia(element: HTMLMediaElement | null): void;
  /** It cannot be loaded: perhaps its link has expired. */
  onBroken(): void;
  onChoose(): void;
}

/** One recording: its picture once somebody plays, and from when to when it runs. */
export function ClipTile({ recording, person, onMedia, onBroken, onChoose }: ClipTileProps) {
  const { kind, downloadUrl, videoOffset, onset, duration, status } = recording;
  const [isMuted, setMuted] = useState(false);
  const [isBroken, setBroken] = useState(false);
  const start = videoOffset ?? onset;
  const name = `${kind === 'VIDEO' ? 'Video' : 'Audio'} of ${person.label}`;
  const media = {
    src: downloadUrl ?? undefined,
    muted: isMuted,
    preload: 'auto',
    'aria-label': name,
    onError: () => {
      setBroken(true);
      onBroken();
    },
    onLoadedData: () => setBroken(false),
  } as const;
  return (
    <li className="clip">
      {downloadUrl && (
        <div className="clip-screen" style={{ borderColor: person.color }}>
          {kind === 'VIDEO' ? (
            <video ref={onMedia} {...media} playsInline />
          ) : (
            <>
              <audio ref={onMedia} {...media} />
              <span className="muted">Sound only</span>
            </>
          )}
        </div>
      )}
      <div className="clip-foot">
        <span className="legend-key" style={{ background: person.color }} />
        <span className="clip-name">{name}</span>
        <Button kind="quiet" onClick={onChoose} title="Go there">
          {formatOnset(start)}
        </Button>
        {duration !== null && <span className="muted">{formatLength(duration)}</span>}
        {downloadUrl && (
          <Button kind="quiet" aria-pressed={isMuted} onClick={() => setMuted(!isMuted)}>
            {isMuted ? 'Sound on' : 'Mute'}
          </Button>
        )}
      </div>
      {!downloadUrl && whyNone(recording) && <p className="clip-problem">{whyNone(recording)}</p>}
      {isBroken && (
        <p className="clip-problem">
          It cannot be played: the file is gone, or this browser does not know its format.
        </p>
      )}
      {status !== 'completed' && <p className="clip-problem">Recording {status}.</p>}
    </li>
  );
}

/** Null where there is a file: pressing Play loads it. */
function whyNone({ fileName, fileDeletedAt }: Recording): string | null {
  if (fileDeletedAt !== null) return 'The file was deleted, as its time was over.';
  return fileName === null ? 'No file came.' : null;
}
