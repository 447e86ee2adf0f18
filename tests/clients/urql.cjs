// @urql/core: fetchExchange for queries and mutations, subscriptionExchange over graphql-ws.
const { Client, fetchExchange, subscriptionExchange } = require('@urql/core');
const { createClient } = require('graphql-ws');
const asking = require('./asking.cjs');

const socket = createClient({ url: asking.ws, connectionParams: asking.credentials });
const client = new Client({
  url: asking.http,
  preferGetMethod: false,
  fetchOptions: { headers: asking.credentials },
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
      }),
    }),
  ],
});
const codes = ({ error }) => asking.codes(error.graphQLErrors);

async function main() {
  asking.tell('query', (await client.query(asking.QUERY, {})).data.viewer.name);
  const cancelled = await client.mutation(asking.MUTATION, { id: 'x' });
  asking.tell('mutation', cancelled.data.exportCancel.userErrors[0].code);
  asking.tell('invalid', codes(await client.query(asking.INVALID, {})));
  asking.tell('failing', codes(await client.query(asking.FAILING, {})));
  await new Promise((resolve) => {
    const { unsubscribe } = client
      .subscription(asking.PROGRESS, { id: asking.exportId })
      .subscribe(({ data, hasNext }) => {
        if (!hasNext) return; // at the end it repeats what was told last
        asking.tell('progress', data.exportProgress.status);
        if (data.exportProgress.status === 'COMPLETED') setImmediate(resolve, unsubscribe);
      });
  }).then((unsubscribe) => unsubscribe?.());
  asking.tell('end', null);
  await socket.dispose();
}

main();
