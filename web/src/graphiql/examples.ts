/** The tabs of a first visit. The documents are files so that the server's tests can run them. */

import createExport from './examples/createExport.graphql?raw';
import createExportVariables from './examples/createExport.json?raw';
import experiments from './examples/experiments.graphql?raw';
import firstRecords from './examples/firstRecords.graphql?raw';
import firstRecordsVariables from './examples/firstRecords.json?raw';
import room from './examples/room.graphql?raw';
import roomVariables from './examples/room.json?raw';
import watchExport from './examples/watchExport.graphql?raw';
import watchExportVariables from './examples/watchExport.json?raw';

export const examples = [
  // GraphiQL shows no variables in the tab it opens with, so this one has defaults.
  tab(experiments),
  tab(room, roomVariables),
  tab(firstRecords, firstRecordsVariables),
  tab(createExport, createExportVariables),
  tab(watchExport, watchExportVariables),
];

function tab(query: string, variables = '') {
  return { query: query.trimEnd(), variables: variables.trimEnd() };
}
