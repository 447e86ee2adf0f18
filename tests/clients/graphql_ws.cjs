// graphql-ws: a query, a mutation, errors and a subscription on one socket.
const { createClient } = require('graphql-ws');
const asking = require('./asking.cjs');

const client = createClient({ url: asking.ws, connectionParams: asking.credentials });

function heard(query, variables) {
  return new Promise((resolve) => {
    const results = [];
    client.subscribe(
      { query, variables },
      {
        next: (result) => results.push(result),
        error: (errors) => resolve({ refused: asking.codes(errors) }),
        complete: () => resolve({ results }),
      },
    );
  });
}

async function main() {
  asking.tell('query', (await heard(asking.QUERY)).results[0].data.viewer.name);
  const payload = (await heard(asking.MUTATION, { id: 'x' })).results[0].data.exportCancel;
  asking.tell('mutation', payload.userErrors[0].code);
  asking.tell('invalid', (await heard(asking.INVALID)).refused);
  asking.tell('failing', asking.codes((await heard(asking.FAILING)).results[0].errors));
  for await (const { data } of client.iterate({
    query: asking.PROGRESS,
    variables: { id: asking.exportId },
  })) {
    asking.tell('progress', data.exportProgress.status);
  }
  asking.tell('end', null);
  await client.dispose();
}

main();
