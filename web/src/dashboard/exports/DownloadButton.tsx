/** "Download" at every level: what is on screen, or the rows chosen in a table. */

import { lazy, Suspense, useState } from 'react';
import { useWhatIsShown } from '../shown';
import { Button } from '../ui';
import type { Place } from '../url/place';
import { type Chosen, selectionOf } from './recipe';

const DownloadDialog = lazy(() => import('./DownloadDialog'));

export interface DownloadProps {
  place: Place | null;
  /** Rows chosen in a table of one level. */
  selection?: Chosen;
}

export default function DownloadButton({ place, selection }: DownloadProps) {
  const shown = useWhatIsShown();
  const [open, setOpen] = useState(false);
  const selected = selectionOf(place, selection);
  if (selected === null) return null;
  const isChosen = selection !== undefined && selected !== selectionOf(place);
  return (
    <>
      <Button kind="primary" onClick={() => setOpen(true)}>
        Download
      </Button>
      {open && (
        <Suspense>
          <DownloadDialog
            selection={selected}
            experimentId={place?.experimentId ?? selected.experimentIds?.[0] ?? null}
            shown={isChosen && !shown?.dataTypes.length ? null : shown}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      )}
    </>
  );
}
