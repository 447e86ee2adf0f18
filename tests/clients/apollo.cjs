// Apollo Client 4: HttpLink for queries and mutations, GraphQLWsLink for subscriptions.
const { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } = require('@apollo/client');
const { GraphQLWsLink } = require('@apollo/client/link/subscriptions');
const { OperationTypeNode } = require('graphql');
const { createClient } = require('graphql-ws');
const asking = require('./asking.cjs');

const socket = createClient({ url: asking.ws, connectionParams: asking.credentials });
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: asking.http, headers: asking.credentials }),
  ),
});
const codes = (error) => asking.codes(error.errors);

async function main() {
  asking.tell('query', (await client.query({ query: gql(asking.QUERY) })).data.viewer.name);
  const { data } = await client.mutate({
    mutation: gql(asking.MUTATION),
    variables: { id: 'x' },
  });
  asking.tell('mutation', data.exportCancel.userErrors[0].code);
  await client
    .query({ query: gql(asking.INVALID) })
    .catch((error) => asking.tell('invalid', codes(error)));
  await client
    .query({ query: gql(asking.FAILING) })
    .catch((error) => asking.tell('failing', codes(error)));
  await new Promise((complete, error) =>
    client
      .subscribe({ query: gql(asking.PROGRESS), variables: { id: asking.exportId } })
      .subscribe({
        next: ({ data }) => asking.tell('progress', data.exportProgress.status),
        error,
        complete,
      }),
  );
  asking.tell('end', null);
  await socket.dispose();
  client.stop();
}

main();
