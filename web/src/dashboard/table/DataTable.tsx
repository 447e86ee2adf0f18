/** Rows of any number: what is in view is drawn, what is near it is held, the rest comes. */

import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { problemOf } from '../api/problems';
import { Empty, ProblemNotice } from '../ui';
import type { Column } from './columns';
import { HeaderCell } from './HeaderCell';
import type { SortedBy } from './order';
import type { PageWindow } from './PageWindow';
import { errorOf } from './useListing';
import './DataTable.css';

const ROW = 34;
/** The column of boxes, or of buttons that open a row. */
const LEAD = 36;
/** A browser draws nothing beyond some 33 million pixels: from here on the top is let go. */
const MOST_ROWS_DRAWN = 400_000;
const SHIFT = MOST_ROWS_DRAWN / 2;
/** Rows that are shown to be coming, where it is not known how many do. */
const COMING = 12;

export interface Choosing<Row> {
  isChosen: (row: Row) => boolean;
  choose: (row: Row, isChosen: boolean) => void;
  name: (row: Row) => string;
}

interface DataTableProps<Row> {
  label: string;
  columns: Column<Row>[];
  pages: PageWindow<Row>;
  rowKey: (row: Row) => string;
  sorted: SortedBy[];
  onSort: (id: string, adds: boolean) => void;
  onFilter: (column: Column<Row>) => void;
  isFiltered: (column: Column<Row>) => boolean;
  choosing?: Choosing<Row>;
  current?: string | null;
  onOpen?: (row: Row) => void;
  /** What a button that opens a row is called, where no link in it does. */
  openLabel?: (row: Row) => string;
  empty: ReactNode;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, pages, choosing, openLabel, empty } = props;
  useSyncExternalStore(pages.watch, pages.version);
  const scroller = useRef<HTMLElement>(null);
  const [origin, setOrigin] = useState(0);

  const coming = pages.isComplete ? 0 : COMING;
  const rows = useVirtualizer({
    count: Math.min(pages.known + coming - origin, MOST_ROWS_DRAWN),
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const hasLead = choosing !== undefined || openLabel !== undefined;
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;

  // A new list begins at its top.
  const shown = useRef(pages);
  if (shown.current !== pages) {
    shown.current = pages;
    if (origin !== 0) setOrigin(0);
  }
  useEffect(() => {
    if (pages.known === 0) scroller.current?.scrollTo(0, 0);
  }, [pages]);

  useEffect(() => pages.look(origin + first, origin + last), [pages, origin, first, last]);
  useEffect(() => {
    const by = last > MOST_ROWS_DRAWN - COMING ? SHIFT : first < COMING && origin > 0 ? -SHIFT : 0;
    if (by === 0 || scroller.current === null) return;
    setOrigin(origin + by);
    scroller.current.scrollTop -= by * ROW;
  }, [origin, first, last]);

  const error = pages.error === null ? undefined : errorOf(pages.error);
  const problem = problemOf(error ?? undefined);
  const isEmpty = pages.isComplete && pages.known === 0;
  const above = items[0]?.start ?? 0;
  const below = rows.getTotalSize() - (items.at(-1)?.end ?? 0);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys, too
    <section className="data-table" ref={scroller} tabIndex={0} aria-label={label}>
      <table
        aria-label={label}
        aria-rowcount={pages.isComplete ? pages.known + 1 : -1}
        style={{ minWidth: widthOf(columns) + (hasLead ? LEAD : 0) }}
      >
        <colgroup>
          {hasLead && <col width={LEAD} />}
          {columns.map(({ id, width }, index) => (
            // The last one takes what is left.
            <col key={id} width={index < columns.length - 1 ? width : undefined} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {hasLead && (
              <th scope="col">
                <span className="visually-hidden">{choosing ? 'Chosen' : 'Open'}</span>
              </th>
            )}
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} {...props} />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr className="spacer" style={{ height: above }} />}
          {!isEmpty &&
            items.map((item) => (
              <TableRow
                key={item.key}
                {...props}
                index={origin + item.index}
                row={pages.row(origin + item.index)}
              />
            ))}
          {below > 0 && <tr className="spacer" style={{ height: below }} />}
        </tbody>
      </table>
      {isEmpty && empty}
      {error === null && (
        <Empty title="This is not here">
          It does not exist, or you may not see it. Ask its owner to share it with you.
        </Empty>
      )}
      {problem && (
        <div className="table-problem">
          <ProblemNotice problem={problem} onRetry={() => pages.retry()} />
        </div>
      )}
    </section>
  );
}

function widthOf<Row>(columns: Column<Row>[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0);
}

interface TableRowProps<Row> extends DataTableProps<Row> {
  index: number;
  row: Row | undefined;
}

function TableRow<Row>(props: TableRowProps<Row>) {
  const { index, row, columns, choosing, rowKey, current, onOpen, openLabel } = props;
  if (row === undefined) {
    return (
      <tr className="coming" aria-rowindex={index + 2}>
        {(choosing || openLabel) && <td />}
        {columns.map(({ id }) => (
          <td key={id}>
            <span className="bone" />
          </td>
        ))}
      </tr>
    );
  }
  const isCurrent = current != null && rowKey(row) === current;
  return (
    <tr
      aria-rowindex={index + 2}
      className={isCurrent ? 'current' : onOpen && 'opens'}
      aria-current={isCurrent || undefined}
      onClick={(event) => {
        const isControl = (event.target as Element).closest('a, button, input, label') !== null;
        const isSelecting = getSelection()?.isCollapsed === false;
        if (!isControl && !isSelecting) onOpen?.(row);
      }}
    >
      {choosing && (
        <td>
          <input
            type="checkbox"
            aria-label={`Choose ${choosing.name(row)}`}
            checked={choosing.isChosen(row)}
            onChange={(event) => choosing.choose(row, event.target.checked)}
          />
        </td>
      )}
      {openLabel && (
        <td>
          <button
            type="button"
            className="open-row"
            aria-label={openLabel(row)}
            onClick={() => onOpen?.(row)}
          >
            ›
          </button>
        </td>
      )}
      {columns.map(({ id, align, cell }) => (
        <td key={id} className={align}>
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}
