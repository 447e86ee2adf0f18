import type { Column } from './columns';
import type { SortedBy } from './order';

interface HeaderCellProps<Row> {
  column: Column<Row>;
  sorted: SortedBy[];
  onSort: (id: string, adds: boolean) => void;
  onFilter: (column: Column<Row>) => void;
  isFiltered: (column: Column<Row>) => boolean;
}

/** A column's name, which sorts, and its filter. Shift sorts by several. */
export function HeaderCell<Row>(props: HeaderCellProps<Row>) {
  const { column, sorted, onSort, onFilter, isFiltered } = props;
  const by = sorted.find(({ id }) => id === column.id);
  const isOn = isFiltered(column);
  return (
    <th
      scope="col"
      className={column.align}
      aria-sort={by && (by.isDown ? 'descending' : 'ascending')}
    >
      <span className="header-cell">
        {column.order === undefined ? (
          <span className="header-label" title={column.hiddenBecause}>
            {column.label}
          </span>
        ) : (
          <button
            type="button"
            className="header-label"
            title={column.hiddenBecause ?? 'Sort; with Shift, too'}
            onClick={(event) => onSort(column.id, event.shiftKey)}
          >
            {column.label}
            <span className="header-sort" aria-hidden="true">
              {by && (by.isDown ? '↓' : '↑')}
            </span>
          </button>
        )}
        {column.hiddenBecause && (
          <span className="header-locked" role="img" aria-label={column.hiddenBecause}>
            ⊘
          </span>
        )}
        {column.filter !== undefined && (
          <button
            type="button"
            className={isOn ? 'header-filter on' : 'header-filter'}
            aria-label={`Filter ${column.label}${isOn ? ' (on)' : ''}`}
            onClick={() => onFilter(column)}
          >
            <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
              <path d="M1.5 2.5h13L9.5 8.6v5l-3-1.6V8.6z" />
            </svg>
          </button>
        )}
      </span>
    </th>
  );
}
