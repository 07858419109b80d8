/** Tables: a row a thing. On narrow screens each row becomes a small card with named values. */
import type { ReactNode } from 'react';

/** One column. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ReactNode;
  /** `number` stands to the right, `mono` is for machine words, `actions` has no visible head. */
  readonly kind?: 'number' | 'nowrap' | 'mono' | 'actions';
}

/** The table; the first column names its row. */
export function Table<T>(props: {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
  /** Many short rows: narrow screens scroll sideways instead of making cards. */
  readonly dense?: boolean;
}): ReactNode {
  const { columns, rows } = props;
  return (
    <div className="scroll">
      <table className={props.dense === true ? 'wide' : 'cards'}>
        <caption className="hidden">{props.caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, kind }) => (
              <th key={head} scope="col" className={kind ?? ''}>
                {kind === 'actions' ? <span className="hidden">{head}</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={props.rowKey(row)}>
              {columns.map((column, i) => (
                <Cell key={column.head} column={column} row={row} first={i === 0} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell<T>(props: {
  readonly column: Column<T>;
  readonly row: T;
  readonly first: boolean;
}): ReactNode {
  const { head, cell, kind = '' } = props.column;
  const content = cell(props.row);
  if (props.first) {
    return (
      <th scope="row" className={kind}>
        {content}
      </th>
    );
  }
  return (
    <td className={kind} data-label={kind === 'actions' ? undefined : head}>
      <div>{content}</div>
    </td>
  );
}
