// Cuts one CSV record into its fields (RFC 4180: quotes, doubled quotes, line breaks in quotes).

/** The fields of one record, whose line break was already taken off. */
export function csvFields(record: string, delimiter: string): string[] {
  if (!record.includes('"')) return record.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (record[at] !== '"') {
      const end = record.indexOf(delimiter, at);
      fields.push(end === -1 ? record.slice(at) : record.slice(at, end));
      if (end === -1) return fields;
      at = end + 1;
      continue;
    }
    let text = "";
    let from = at + 1;
    for (;;) {
      const quote = record.indexOf('"', from);
      if (quote === -1) {
        text += record.slice(from);
        at = record.length;
        break;
      }
      text += record.slice(from, quote);
      if (record[quote + 1] !== '"') {
        at = quote + 1;
        break;
      }
      text += '"';
      from = quote + 2;
    }
    // Text after the closing quote is kept as it stands rather than lost.
    const end = record.indexOf(delimiter, at);
    fields.push(text + (end === -1 ? record.slice(at) : record.slice(at, end)));
    if (end === -1) return fields;
    at = end + 1;
  }
}
