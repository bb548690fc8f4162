// Sentences of libraries that the server passes on, as templates with named places: what the schema library says.

export const librarySentences: readonly string[] = [
  "Invalid input",
  "Invalid input: expected {{expected}}",
  "Invalid input: expected {{expected}}, received {{received}}",
  "Invalid option: expected one of {{values}}",
  "Invalid string: must match pattern {{pattern}}",
  'Invalid string: must start with "{{prefix}}"',
  "Too big: expected {{origin}} to be <={{maximum}}",
  "Too big: expected {{origin}} to be <{{maximum}}",
  "Too big: expected {{origin}} to have <={{maximum}} {{unit}}",
  "Too small: expected {{origin}} to be >={{minimum}}",
  "Too small: expected {{origin}} to be >{{minimum}}",
  "Too small: expected {{origin}} to have >={{minimum}} {{unit}}",
  "Unrecognized key: {{key}}",
  "Unrecognized keys: {{keys}}",
];
