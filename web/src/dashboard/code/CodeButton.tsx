/** "Use this in code": what is on screen, as a query and as scripts. */

import { lazy, Suspense, useState } from 'react';
import { useWhatIsShown } from '../shown';
import { Button } from '../ui';

const CodeDialog = lazy(() => import('./CodeDialog'));

/** Not there on views that show no data. */
export default function CodeButton() {
  const shown = useWhatIsShown();
  const [open, setOpen] = useState(false);
  if (shown === null) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <span aria-hidden="true" className="mono">
          {'</>'}
        </span>
        <span className="code-label">Use this in code</span>
      </Button>
      {open && (
        <Suspense>
          <CodeDialog shown={shown} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
