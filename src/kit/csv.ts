// CSV: what cuts a text into fields, and one record into its own (RFC 4180: quotes, doubled quotes, line breaks in quotes).

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

/** The delimiter that cuts the first lines into the most equal fields, or null where none occurs. */
export function csvDelimiter(lines: readonly string[]): string | null {
  let best: { delimiter: string; score: number } | null = null;
  const header = lines[0] ?? "";
  for (const delimiter of [",", "\t", ";", "|"]) {
    const count = csvFields(header, delimiter).length;
    if (count < 2) continue;
    const alike = lines.filter((line) => csvFields(line, delimiter).length === count).length;
    const score = alike * 1000 + count;
    if (best === null || score > best.score) best = { delimiter, score };
  }
  return best?.delimiter ?? null;
}

/** All records of a text whose lines end in \n. Blank lines are left out; where a quote is never closed it means itself. */
export function csvRows(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let open = "";
  let quotes = 0;
  const take = (record: string): void => {
    if (record.trim() !== "") rows.push(csvFields(record, delimiter));
  };
  for (const line of text.split("\n")) {
    for (let at = line.indexOf('"'); at !== -1; at = line.indexOf('"', at + 1)) quotes++;
    open = open === "" ? line : `${open}\n${line}`;
    if (quotes % 2 === 1) continue;
    take(open);
    open = "";
    quotes = 0;
  }
  for (const line of open.split("\n")) take(line);
  return rows;
}
