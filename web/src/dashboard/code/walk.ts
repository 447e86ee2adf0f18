/** Turns what a view asks for a page at a time into one operation that reads the list to its end. */

import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
  visit,
} from 'graphql';

export interface Asked {
  document: string;
  variables: Readonly<Record<string, unknown>>;
}

export interface Walk {
  /** The operation, without fragments, aliases of paging or what is only for the screen. */
  document: string;
  variables: Record<string, unknown>;
  /** Where the list lies in the answer, such as `['room', 'events']`; null if there is no list. */
  path: string[] | null;
}

/** The variable that takes the cursor. */
const CURSOR = 'after';
const PAGING = ['first', 'after', 'last', 'before'];
/** These two are read in pages of up to 10,000, as the schema says; all others of up to 1,000. */
const LARGE_PAGES = new Set(['continuousRatings', 'syncMetrics']);
/** Each row of these costs look-ups of its own. */
const SMALL_PAGES = new Set(['experiments', 'rooms', 'participants']);

/** Throws a GraphQLError if the document is none. */
export function walkOf(asked: Asked): Walk {
  const document = withoutFragments(parse(asked.document, { noLocation: true }));
  const operation = document.definitions[0] as OperationDefinitionNode;
  const path = pathOfList(operation.selectionSet);
  const given = Object.fromEntries(
    Object.entries(asked.variables).filter(([name, value]) => isGiven(value) && name !== CURSOR),
  );
  const paged = path ? readToTheEnd(operation, path) : operation;
  const written = withoutTypenames(withoutMissing(paged, given));
  const declared = usedVariables(written, path !== null);
  const variables = Object.fromEntries(
    Object.entries(given).filter(([name]) => declared.some((v) => v.variable.name.value === name)),
  );
  const whole: OperationDefinitionNode = { ...written, variableDefinitions: declared };
  return {
    document: print({ kind: Kind.DOCUMENT, definitions: [whole] }),
    variables,
    path: path ? path.map(nameOf) : null,
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

/** Writes each fragment out where it is spread, so that a script shows all that it asks. */
function withoutFragments(document: DocumentNode): DocumentNode {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition);
  const written = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (!fragment) return [];
        return [
          {
            kind: Kind.INLINE_FRAGMENT,
            typeCondition: fragment.typeCondition,
            selectionSet: written(fragment.selectionSet),
          },
        ];
      }
      return selection.selectionSet
        ? [{ ...selection, selectionSet: written(selection.selectionSet) }]
        : [selection];
    }),
  });
  const operations = document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION);
  return {
    ...document,
    definitions: operations.map((operation) => ({
      ...operation,
      selectionSet: written(operation.selectionSet),
    })),
  };
}

/** The fields down to the outermost list that can be read on. */
function pathOfList(set: SelectionSetNode): FieldNode[] | null {
  const fields = fieldsOf(set);
  for (const field of fields) if (isList(field)) return [field];
  for (const field of fields) {
    const below = field.selectionSet ? pathOfList(field.selectionSet) : null;
    if (below) return [field, ...below];
  }
  return null;
}

function fieldsOf(set: SelectionSetNode): FieldNode[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection];
    return selection.kind === Kind.INLINE_FRAGMENT ? fieldsOf(selection.selectionSet) : [];
  });
}

function isList(field: FieldNode): boolean {
  const below = field.selectionSet ? fieldsOf(field.selectionSet).map((f) => f.name.value) : [];
  return below.includes('pageInfo') && (below.includes('nodes') || below.includes('edges'));
}

function nameOf(field: FieldNode): string {
  return field.alias?.value ?? field.name.value;
}

function readToTheEnd(operation: OperationDefinitionNode, path: FieldNode[]) {
  const list = path.at(-1);
  return visit(operation, {
    Field: { leave: (field) => (field === list ? wholePages(field) : undefined) },
  });
}

function wholePages(list: FieldNode): FieldNode {
  const kept = (list.arguments ?? []).filter(({ name }) => !PAGING.includes(name.value));
  const name = list.name.value;
  const size = LARGE_PAGES.has(name) ? 10_000 : SMALL_PAGES.has(name) ? 100 : 1_000;
  const parts = list.selectionSet ? fieldsOf(list.selectionSet) : [];
  const rows =
    parts.find((part) => part.name.value === 'nodes')?.selectionSet ??
    fieldsOf(
      parts.find((part) => part.name.value === 'edges')?.selectionSet ?? selectionOf([]),
    ).find((part) => part.name.value === 'node')?.selectionSet ??
    selectionOf([]);
  const onward = ['hasNextPage', 'endCursor'].map((each) => fieldNamed(each));
  return {
    ...list,
    arguments: [
      ...kept,
      argument('first', { kind: Kind.INT, value: String(size) }),
      argument('after', { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: CURSOR } }),
    ],
    selectionSet: selectionOf([
      fieldNamed('nodes', rows),
      fieldNamed('pageInfo', selectionOf(onward)),
    ]),
  };
}

function selectionOf(selections: SelectionNode[]): SelectionSetNode {
  return { kind: Kind.SELECTION_SET, selections };
}

function fieldNamed(name: string, selectionSet?: SelectionSetNode): FieldNode {
  const field: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: name } };
  return selectionSet ? { ...field, selectionSet } : field;
}

function argument(name: string, value: ArgumentNode['value']): ArgumentNode {
  return { kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: name }, value };
}

/** Takes out arguments whose variable says nothing: an argument left out means the same. */
function withoutMissing(operation: OperationDefinitionNode, given: Record<string, unknown>) {
  const defaults = new Set(
    (operation.variableDefinitions ?? [])
      .filter((definition) => definition.defaultValue)
      .map((definition) => definition.variable.name.value),
  );
  return visit(operation, {
    Argument: ({ value }) => {
      if (value.kind !== Kind.VARIABLE) return undefined;
      const name = value.name.value;
      return name === CURSOR || name in given || defaults.has(name) ? undefined : null;
    },
  });
}

/** A cache on the page wants `__typename`; a script does not. */
function withoutTypenames(operation: OperationDefinitionNode) {
  return visit(operation, {
    Field: ({ name }) => (name.value === '__typename' ? null : undefined),
  });
}

function usedVariables(
  operation: OperationDefinitionNode,
  isWalked: boolean,
): VariableDefinitionNode[] {
  const used = new Set<string>();
  visit(operation, {
    VariableDefinition: () => false,
    Variable: ({ name }) => {
      used.add(name.value);
    },
  });
  const others = (operation.variableDefinitions ?? []).filter(
    ({ variable }) => variable.name.value !== CURSOR && used.has(variable.name.value),
  );
  return isWalked ? [...others, CURSOR_DEFINITION] : others;
}

const CURSOR_DEFINITION: VariableDefinitionNode = {
  kind: Kind.VARIABLE_DEFINITION,
  variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: CURSOR } },
  type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'String' } },
};
