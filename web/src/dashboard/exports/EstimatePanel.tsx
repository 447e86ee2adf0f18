/** The disclosure preview: how many rows, what stays away and why, what tells who people are. */

import { Notice } from '../ui';
import type { Estimate } from './documents';
import {
  type Anonymization,
  count,
  DATA_TYPES,
  type DataType,
  duration,
  IDENTIFYING,
  plural,
  size,
} from './wording';

interface EstimatePanelProps {
  /** Null until the first one is there. */
  estimate: Estimate | null;
  /** It is of choices that have changed since. */
  isStale: boolean;
  anonymization: Anonymization;
}

export function EstimatePanel({ estimate, isStale, anonymization }: EstimatePanelProps) {
  if (estimate === null) return <p className="muted">Counting …</p>;
  const kept = estimate.identifyingColumns.filter((column) => column.kept);
  const taken = estimate.identifyingColumns.length - kept.length;
  const hits = estimate.freeTextHits.filter((found) => found.foreseen > 0);
  return (
    <div className={`stack estimate${isStale ? ' stale' : ''}`} aria-busy={isStale}>
      <p className="estimate-total">
        <strong>{plural(estimate.totalRows, 'row')}</strong>
        {estimate.bytes !== null && (
          <>
            {' '}
            · {estimate.sampled ? 'about ' : ''}
            {size(Number(estimate.bytes))}
          </>
        )}
        {estimate.seconds !== null && <> · {duration(estimate.seconds)} to write</>}
      </p>
      {estimate.totalRows === 0 && (
        <Notice tone="warning" title="There is nothing to export">
          No record matches: choose other types, or leave the filter out.
        </Notice>
      )}
      {estimate.withheld.length > 0 && (
        <div>
          <h4>Left out</h4>
          <ul className="estimate-list">
            {estimate.withheld.map((entry) => (
              <li key={`${entry.reason} ${entry.dataType}`}>
                <strong>{count(entry.count)}</strong>
                {entry.dataType ? ` ${DATA_TYPES[entry.dataType as DataType]}: ` : ' '}
                {sayPlainly(entry.explanation)}
              </li>
            ))}
          </ul>
        </div>
      )}
      <div>
        <h4>What can tell who people are</h4>
        {anonymization === 'AGGREGATE_ONLY' ? (
          <p>Nothing that is recorded of one person is in the files.</p>
        ) : kept.length > 0 ? (
          <>
            <p className="warn-text">
              {plural(kept.length, 'column')} in the files {kept.length === 1 ? 'tells' : 'tell'} or
              may tell who people are:
            </p>
            <ul className="estimate-list">
              {groups(kept).map(([how, columns]) => (
                <li key={how}>
                  <code>{columns.join(', ')}</code> — {IDENTIFYING[how]}
                </li>
              ))}
            </ul>
          </>
        ) : (
          <p>
            {plural(taken, 'identifying column')} {taken === 1 ? 'is' : 'are'} written as codes, or
            without what identifies.
          </p>
        )}
        {hits.length > 0 && (
          <p>
            {anonymization === 'REMOVE_IDENTIFIERS' ? 'Taken out of texts: ' : 'In texts: '}
            ids, addresses or known names in{' '}
            {hits.map((found, at) => (
              <span key={`${found.dataType} ${found.column}`}>
                {at > 0 && ', '}
                {estimate.sampled ? 'about ' : ''}
                {count(found.foreseen)} of <code>{found.column}</code> (
                {DATA_TYPES[found.dataType as DataType].toLowerCase()})
              </span>
            ))}
            .
          </p>
        )}
      </div>
      {estimate.smallestGroup !== null && estimate.smallestGroup < 5 && (
        <p className="field-hint">
          The smallest room has {plural(estimate.smallestGroup, 'participant')}: who was there may
          know who is who.
        </p>
      )}
    </div>
  );
}

/** The server names things as the API does, in backquotes. */
function sayPlainly(text: string): string {
  return text
    .replaceAll('`includeMedia` puts', '“Include video and audio” puts')
    .replaceAll('`', '');
}

function groups(columns: Estimate['identifyingColumns']): [string, string[]][] {
  const found = new Map<string, Set<string>>();
  for (const { how, column } of columns) found.set(how, (found.get(how) ?? new Set()).add(column));
  return [...found].map(([how, names]) => [how, [...names]]);
}
