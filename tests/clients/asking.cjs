// What each client is asked to do, and how what it hears is told to the test: lines of JSON.
const [url, key, exportId] = process.argv.slice(2);

exports.http = `${url}/graphql`;
exports.ws = exports.http.replace('http', 'ws');
exports.credentials = { 'X-API-Key': key };
exports.exportId = exportId;

exports.QUERY = 'query Me { viewer { name } }';
exports.MUTATION = `mutation Cancel($id: ID!) {
  exportCancel(id: $id) { userErrors { code } } }`;
exports.INVALID = 'query Nothing { nothing }';
exports.FAILING = 'query Failing { experiments(first: -1) { totalCount } }';
exports.PROGRESS = `subscription Progress($id: ID!) { exportProgress(id: $id) { status } }`;

exports.tell = (what, heard) => console.log(JSON.stringify({ what, heard }));
exports.codes = (errors) => errors.map((error) => error.extensions.code);
