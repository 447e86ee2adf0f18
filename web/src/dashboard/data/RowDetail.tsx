/** One record, whole: the JSON that the API gives. */

import { useEffect, useRef } from 'react';
import { useQuery } from 'urql';
import { problemOf } from '../api/problems';
import { Button, Empty, ProblemNotice, Spinner, toast } from '../ui';
import { type RecordType, recordDocument } from './record';

interface RowDetailProps {
  type: RecordType;
  id: string;
  onClose: () => void;
}

export function RowDetail({ type, id, onClose }: RowDetailProps) {
  const [{ data, error, fetching }, again] = useQuery({
    query: recordDocument(type),
    variables: { id },
    context: UNCACHED,
  });
  const panel = useRef<HTMLElement>(null);
  const problem = problemOf(error);
  const record = data?.node?.__typename === type ? data.node : null;

  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  return (
    <aside
      ref={panel}
      className="row-detail"
      aria-label="Record"
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header>
        <h2>{type}</h2>
        {record && (
          <Button
            onClick={() => {
              navigator.clipboard
                .writeText(JSON.stringify(record, null, 2))
                .then(() => toast('Copied'))
                .catch(() => toast('The browser did not let this page copy.', 'error'));
            }}
          >
            Copy JSON
          </Button>
        )}
        <Button kind="quiet" aria-label="Close the record" onClick={onClose}>
          ×
        </Button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys, too */}
      <section className="row-detail-body" aria-label="JSON of the record" tabIndex={0}>
        {problem && <ProblemNotice problem={problem} onRetry={again} />}
        {fetching && <Spinner />}
        {!fetching && !problem && record === null && (
          <Empty title="There is no such record">It was erased, or you may not see it.</Empty>
        )}
        {record && <Pretty json={JSON.stringify(record, null, 2)} />}
      </section>
    </aside>
  );
}

// A record may be erased while the page is open, and its link to a file ends soon.
const UNCACHED = { uncached: true };

/** JSON, its keys set off. */
function Pretty({ json }: { json: string }) {
  const parts = json.split(/^(\s*)("(?:[^"\\]|\\.)*")(?=: )/gm);
  return (
    <pre>
      {parts.map((part, index) =>
        index % 3 === 2 ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text
          <span key={index} className="key">
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </pre>
  );
}
