// A table whose rows are cards of labelled values where the window is narrow; what sorts and searches is list.tsx.
import type { ReactNode } from "react";

export function Table<R>(props: {
  rows: readonly R[];
  idOf: (row: R) => string;
  columns: readonly { label: string; cell: (row: R) => ReactNode; isNumber?: boolean }[];
}) {
  const { columns } = props;
  return (
    <table className="e-table e-list">
      <thead>
        <tr>
          {columns.map(({ label, isNumber }) => (
            <th key={label} className={isNumber ? "e-num" : ""}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={props.idOf(row)}>
            {columns.map(({ label, cell, isNumber }) => (
              <td key={label} className={isNumber ? "e-num" : ""} data-label={label}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
