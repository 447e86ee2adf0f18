/** Watches the exports that were started here: a pill in the header, the dialog, and the file. */

import { lazy, Suspense, useEffect, useRef } from 'react';
import { useApi } from '../api/client';
import { toast } from '../ui';
import { useSearchState } from '../url/state';
import { saveExport } from './saving';
import { useExport } from './useExport';
import { unwatchExport, useWatched } from './watched';
import { isGoingOn } from './wording';
import './ExportWatch.css';

const ProgressDialog = lazy(() => import('./ProgressDialog'));

/** Once a page, in its header. */
export default function ExportWatch() {
  const watched = useWatched();
  const [open, setOpen] = useSearchState('export');
  const isNew = useRef(true);

  // What was going on when the tab was closed is shown again when the page is opened.
  useEffect(() => {
    if (isNew.current && open === null && watched.length > 0)
      setOpen(watched.at(-1) ?? null, { replace: true });
    isNew.current = false;
  }, [open, watched, setOpen]);

  return (
    <>
      {watched.map((id) => (
        <WatchedExport key={id} id={id} isOpen={id === open} onOpen={() => setOpen(id)} />
      ))}
      {open !== null && (
        <Suspense>
          <ProgressDialog key={open} id={open} onClose={() => setOpen(null, { replace: true })} />
        </Suspense>
      )}
    </>
  );
}

function WatchedExport(props: { id: string; isOpen: boolean; onOpen: () => void }) {
  const { id, isOpen, onOpen } = props;
  const { client } = useApi();
  const { row, problem } = useExport(id);
  const status = row?.status;

  useEffect(() => {
    if (problem?.code === 'NOT_FOUND') unwatchExport(id); // it was deleted, or is somebody else's
    if (status === undefined || isGoingOn(status) || !unwatchExport(id)) return;
    if (status === 'COMPLETED')
      void saveExport(client, id).then((wrong) =>
        wrong ? toast(wrong.what, 'error') : toast('Your file is ready: it is being downloaded.'),
      );
    else if (!isOpen && status === 'FAILED') toast('An export has failed: see Exports.', 'error');
  }, [client, id, isOpen, status, problem?.code]);

  if (row === null || isOpen || !isGoingOn(row.status)) return null;
  return (
    <button type="button" className="export-pill" onClick={onOpen}>
      Export {Math.floor(row.progress.percent)} %
    </button>
  );
}
