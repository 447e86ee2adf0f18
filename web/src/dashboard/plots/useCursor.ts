import { useEffect, useState } from 'react';
import { useTimeAxis } from './TimeAxis';

/** Where the cursor is, for what is drawn by React: told at most once a frame. */
export function useCursor(): number | null {
  const { cursor } = useTimeAxis();
  const [onset, setOnset] = useState(cursor.onset);
  useEffect(() => {
    let frame = 0;
    const stop = cursor.follow(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setOnset(cursor.onset));
    });
    return () => {
      cancelAnimationFrame(frame);
      stop();
    };
  }, [cursor]);
  return onset;
}
