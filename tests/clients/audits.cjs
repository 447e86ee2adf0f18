// The audits of graphql-http, of a server whose API needs a key: one line of JSON for each.
const { serverAudits } = require('graphql-http');

const [url, key] = process.argv.slice(2);

async function main() {
  const fetchFn = (address, options = {}) =>
    fetch(address, { ...options, headers: { ...options.headers, 'X-API-Key': key } });
  for (const audit of serverAudits({ url: `${url}/graphql`, fetchFn })) {
    const { id, name, status, reason } = await audit.fn();
    console.log(JSON.stringify({ id, name, status, reason }));
  }
}

main();
