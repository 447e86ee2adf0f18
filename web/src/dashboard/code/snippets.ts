/** Scripts that read what is on screen, all of it: they run as they are, with a key in the environment. */

import type { Walk } from './walk';

export type Language = 'graphql' | 'python' | 'r' | 'javascript' | 'shell';

export interface Snippet {
  language: Language;
  title: string;
  /** What it takes to run it. */
  needs: string;
  fileName: string;
  text: string;
}

const NEEDS_KEY = 'an API key in HYPERDATA_API_KEY';

export function snippetsOf(walk: Walk, origin: string): Snippet[] {
  return [
    {
      language: 'python',
      title: 'Python',
      needs: `Python 3.9 or later with requests (pip install requests), and ${NEEDS_KEY}.`,
      fileName: 'read.py',
      text: python(walk, origin),
    },
    {
      language: 'r',
      title: 'R',
      needs: `R 4.2 or later with httr2 and jsonlite, and ${NEEDS_KEY}.`,
      fileName: 'read.R',
      text: r(walk, origin),
    },
    {
      language: 'javascript',
      title: 'JavaScript',
      needs: `Node 18 or later, nothing to install, and ${NEEDS_KEY}.`,
      fileName: 'read.mjs',
      text: javascript(walk, origin),
    },
    {
      language: 'graphql',
      title: 'GraphQL',
      needs: 'Any client: POST /graphql with the header X-API-Key.',
      fileName: 'read.graphql',
      text: graphql(walk),
    },
  ];
}

function graphql({ document, variables }: Walk): string {
  if (Object.keys(variables).length === 0) return `${document}\n`;
  const lines = JSON.stringify(variables, null, 2).split('\n');
  return `${document}\n\n# Variables\n${lines.map((line) => `# ${line}`).join('\n')}\n`;
}

function python({ document, variables, path }: Walk, origin: string): string {
  const quoted = document.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"');
  const reading = path
    ? `rows = []
while True:
    page = ask(variables)${path.map((name) => `["${name}"]`).join('')}
    rows += page["nodes"]
    if not page["pageInfo"]["hasNextPage"]:
        break
    variables["after"] = page["pageInfo"]["endCursor"]

print(len(rows), "rows")
# As a table: pandas.json_normalize(rows)
`
    : `data = ask(variables)
print(json.dumps(data, indent=2))
`;
  return `${path ? '' : 'import json\n'}import os
import time

import requests

URL = os.environ.get("HYPERDATA_URL", ${JSON.stringify(origin)}) + "/graphql"
QUERY = """
${quoted}
"""
variables = ${pythonValue(variables)}

session = requests.Session()
session.headers["X-API-Key"] = os.environ["HYPERDATA_API_KEY"]
session.headers["Accept"] = "application/graphql-response+json"


def ask(variables):
    for attempt in range(10):
        answer = session.post(URL, json={"query": QUERY, "variables": variables}, timeout=60)
        if answer.status_code not in (429, 503):
            break
        time.sleep(float(answer.headers.get("Retry-After", attempt)))  # busy: asked again
    body = answer.json()
    if body.get("errors"):
        raise SystemExit(body["errors"][0]["message"])
    return body["data"]


${reading}`;
}

/** A literal of Python, on several lines like JSON. */
function pythonValue(value: unknown, indent = ''): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const deeper = `${indent}    `;
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each !== 'object'))
      return `[${value.map((each) => pythonValue(each)).join(', ')}]`;
    const items = value.map((each) => `${deeper}${pythonValue(each, deeper)},\n`);
    return `[\n${items.join('')}${indent}]`;
  }
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.length === 0) return '{}';
  const items = entries.map(
    ([name, each]) => `${deeper}${JSON.stringify(name)}: ${pythonValue(each, deeper)},\n`,
  );
  return `{\n${items.join('')}${indent}}`;
}

function r({ document, variables, path }: Walk, origin: string): string {
  const reading = path
    ? `rows <- list()
repeat {
  page <- ask(variables)${path.map((name) => `[["${name}"]]`).join('')}
  rows <- c(rows, page$nodes)
  if (!page$pageInfo$hasNextPage) break
  variables$after <- page$pageInfo$endCursor
}

cat(length(rows), "rows\\n")
# As a table: jsonlite::fromJSON(jsonlite::toJSON(rows, auto_unbox = TRUE, null = "null"), flatten = TRUE)
`
    : `data <- ask(variables)
str(data)
`;
  return `library(httr2)

url <- paste0(Sys.getenv("HYPERDATA_URL", ${JSON.stringify(origin)}), "/graphql")
query <- ${rawR(document)}
variables <- jsonlite::fromJSON(${rawR(JSON.stringify(variables, null, 2))}, simplifyVector = FALSE)

ask <- function(variables) {
  answer <- request(url) |>
    req_headers(
      "X-API-Key" = Sys.getenv("HYPERDATA_API_KEY"),
      Accept = "application/graphql-response+json"
    ) |>
    req_body_json(list(query = query, variables = variables)) |>
    req_retry(max_tries = 10) |> # busy: asked again, as Retry-After says
    req_error(is_error = function(response) FALSE) |>
    req_perform() |>
    resp_body_json()
  if (!is.null(answer$errors)) stop(answer$errors[[1]]$message)
  answer$data
}

${reading}`;
}

/** A raw string of R, with as many dashes as it takes for its end to be nowhere inside. */
function rawR(text: string): string {
  let dashes = '---';
  while (text.includes(`)${dashes}"`)) dashes += '-';
  return `r"${dashes}(${text})${dashes}"`;
}

function javascript({ document, variables, path }: Walk, origin: string): string {
  const quoted = document.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
  const reading = path
    ? `const rows = [];
for (;;) {
  const page = (await ask(variables))${path.map((name) => `.${name}`).join('')};
  rows.push(...page.nodes);
  if (!page.pageInfo.hasNextPage) break;
  variables.after = page.pageInfo.endCursor;
}

console.log(rows.length, 'rows');
`
    : `const data = await ask(variables);
console.log(JSON.stringify(data, null, 2));
`;
  return `const url = \`\${process.env.HYPERDATA_URL ?? ${JSON.stringify(origin)}}/graphql\`;
const query = \`
${quoted}
\`;
const variables = ${JSON.stringify(variables, null, 2)};

async function ask(variables) {
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/graphql-response+json',
    'X-API-Key': process.env.HYPERDATA_API_KEY,
  };
  let answer;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    if (answer.status !== 429 && answer.status !== 503) break;
    const seconds = Number(answer.headers.get('Retry-After') ?? attempt); // busy: asked again
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
  const { data, errors } = await answer.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

${reading}`;
}

export interface Selected {
  experimentIds?: readonly string[];
  roomIds?: readonly string[];
  participants?: readonly { roomId: string; participantId: string }[];
  dataTypes?: readonly string[];
  filter?: object | null;
}

/** The command that takes the same records away in a file; null where no place is chosen. */
export function exportCommand(selected: Selected, origin: string): Snippet | null {
  const parts = [
    ...(selected.experimentIds ?? []).map((id) => `--experiment ${shellWord(id)}`),
    ...(selected.roomIds ?? []).map((id) => `--room ${shellWord(id)}`),
    ...(selected.participants ?? []).map(
      ({ roomId, participantId }) => `--participant ${shellWord(`${roomId}:${participantId}`)}`,
    ),
  ];
  if (parts.length === 0) return null;
  for (const type of selected.dataTypes ?? [])
    parts.push(`--type ${type.toLowerCase().replaceAll('_', '-')}`);
  if (selected.filter && Object.keys(selected.filter).length > 0)
    parts.push(`--filter ${shellWord(JSON.stringify(selected.filter))}`);
  return {
    language: 'shell',
    title: 'Command line',
    needs: `hyperdata (pip install hyperstudy-data), and ${NEEDS_KEY}. For millions of rows, the fastest way.`,
    fileName: 'read.sh',
    text: `export HYPERDATA_URL=${shellWord(origin)}\n\nhyperdata export \\\n  ${parts.join(' \\\n  ')}\n`,
  };
}

function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
