import type { ReactNode } from 'react';
import './ListTable.css';

export interface ListColumn<Row> {
  label: string;
  cell: (row: Row) => ReactNode;
  /** For figures, which line up at their end. */
  numeric?: boolean;
  /** For the column of buttons, which needs no heading. */
  actions?: boolean;
}

interface ListTableProps<Row> {
  label: string;
  columns: ListColumn<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}

/** A short list, as a table that becomes a stack of cards where it is narrow. */
export function ListTable<Row>({ label, columns, rows, keyOf }: ListTableProps<Row>) {
  return (
    <table className="list-table" aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.label} scope="col" className={column.numeric ? 'numeric' : undefined}>
              {column.actions ? (
                <span className="visually-hidden">{column.label}</span>
              ) : (
                column.label
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((column) => (
              <td
                key={column.label}
                data-label={column.actions ? undefined : column.label}
                className={column.numeric ? 'numeric' : column.actions ? 'actions' : undefined}
              >
                <div>{column.cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
