/** The tabs of a first visit. The documents are files so that the server's tests can run them. */

import createExport from './examples/createExport.graphql?raw';
import createExportVariables from './examples/createExport.json?raw';
import experiments from './examples/experiments.graphql?raw';
import experimentsVariables from './examples/experiments.json?raw';
import firstRecords from './examples/firstRecords.graphql?raw';
import firstRecordsVariables from './examples/firstRecords.json?raw';
import room from './examples/room.graphql?raw';
import roomVariables from './examples/room.json?raw';
import watchExport from './examples/watchExport.graphql?raw';
import watchExportVariables from './examples/watchExport.json?raw';

export const examples = [
  { query: experiments, variables: experimentsVariables },
  { query: room, variables: roomVariables },
  { query: firstRecords, variables: firstRecordsVariables },
  { query: createExport, variables: createExportVariables },
  { query: watchExport, variables: watchExportVariables },
];
