// A template that is completed while it is typed: two braces open the list of what may stand between them.
import { Combobox, Textarea, useCombobox } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";

/** Where the name that is being typed begins and ends; null where the caret is in none. */
export function nameAt(text: string, caret: number): { from: number; typed: string } | null {
  const before = text.slice(0, caret);
  const open = before.lastIndexOf("{{");
  if (open === -1 || before.indexOf("}}", open) !== -1) return null;
  const typed = before.slice(open + 2);
  return /[\n{}]/.test(typed) ? null : { from: open + 2, typed: typed.trimStart() };
}

export function TemplateField(props: {
  label: string;
  description?: string;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
  /** What may be named. */
  names: readonly string[];
  error?: ReactNode;
  required?: boolean;
}) {
  const { value, onChange, names, ...field } = props;
  const box = useRef<HTMLTextAreaElement>(null);
  const [open, setOpen] = useState<{ from: number; typed: string } | null>(null);
  const list = useCombobox({ opened: open !== null, onDropdownClose: () => setOpen(null) });
  const shown = open
    ? names.filter((name) => name.toLowerCase().includes(open.typed.toLowerCase())).slice(0, 12)
    : [];
  const look = (text: string, caret: number): void => {
    setOpen(nameAt(text, caret));
    list.selectFirstOption();
  };
  const put = (name: string): void => {
    if (!open) return;
    const caret = box.current?.selectionStart ?? value.length;
    const rest = value.slice(caret).replace(/^\s*}}/, "");
    const filled = `${value.slice(0, open.from)}${name}}}`;
    onChange(`${filled}${rest}`);
    setOpen(null);
    // The caret goes behind what was put in, once the field holds it.
    requestAnimationFrame(() => box.current?.setSelectionRange(filled.length, filled.length));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open || shown.length === 0) return;
    if (event.key === "ArrowDown") list.selectNextOption();
    else if (event.key === "ArrowUp") list.selectPreviousOption();
    else if (event.key === "Enter" || event.key === "Tab") list.clickSelectedOption();
    else if (event.key === "Escape") setOpen(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <Combobox store={list} onOptionSubmit={put}>
      <Combobox.Target>
        <Textarea
          {...field}
          ref={box}
          autosize
          minRows={1}
          maxRows={12}
          value={value}
          onChange={(event) => {
            const { value: text, selectionStart } = event.currentTarget;
            onChange(text);
            look(text, selectionStart);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setOpen(null)}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={shown.length === 0}>
        <Combobox.Options mah={240} style={{ overflowY: "auto" }}>
          {shown.map((name) => (
            <Combobox.Option key={name} value={name}>
              {name}
            </Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
