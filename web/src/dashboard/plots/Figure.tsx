/** What all plots have around them: a name, a legend, buttons, and the same as a table. */

import { type ReactNode, useId, useState } from 'react';
import type { Problem } from '../api/problems';
import { Button, ProblemNotice, Spinner } from '../ui';
import './plots.css';

interface FigureProps {
  title: string;
  /** What one reads off at a glance. */
  note?: ReactNode;
  tools?: ReactNode;
  legend?: ReactNode;
  fetching: boolean;
  problem: Problem | null;
  onRetry(): void;
  /** Made when it is asked for. */
  table?: () => TableOf;
  children: ReactNode;
}

export interface TableOf {
  caption: string;
  head: string[];
  rows: (string | number)[][];
}

export function Figure({
  title,
  note,
  tools,
  legend,
  fetching,
  problem,
  onRetry,
  table,
  children,
}: FigureProps) {
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  return (
    <figure className="figure panel" aria-labelledby={id} aria-busy={fetching}>
      <figcaption className="figure-head">
        <h2 id={id}>{title}</h2>
        {note && <p className="figure-note">{note}</p>}
        <div className="figure-tools">
          {tools}
          {table && (
            <Button kind="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
              {asTable ? 'As a plot' : 'As a table'}
            </Button>
          )}
        </div>
      </figcaption>
      {problem && <ProblemNotice problem={problem} onRetry={onRetry} />}
      {legend}
      {asTable && table ? <PointsTable {...table()} /> : children}
      <div className={fetching ? 'figure-busy on' : 'figure-busy'}>{fetching && <Spinner />}</div>
    </figure>
  );
}

const MOST_ROWS = 500;

function PointsTable({ caption, head, rows }: TableOf) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
    <section className="points" tabIndex={0} aria-label={caption}>
      <table>
        <caption>
          {caption}
          {rows.length > MOST_ROWS &&
            ` The first ${MOST_ROWS} of ${rows.length}: zoom in for others.`}
        </caption>
        <thead>
          <tr>
            {head.map((text) => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name.
            <tr key={at}>
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: nor have cells.
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
