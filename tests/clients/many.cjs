// graphql-ws: many subscriptions on some sockets, of which each must be told the end and complete.
const { createClient } = require('graphql-ws');
const asking = require('./asking.cjs');

const [sockets, each] = process.argv.slice(5).map(Number);

function followed(client, told) {
  return new Promise((resolve, reject) => {
    let last = null;
    client.subscribe(
      { query: asking.PROGRESS, variables: { id: asking.exportId } },
      {
        next: ({ data }) => {
          if (last === null) told();
          last = data.exportProgress.status;
        },
        error: reject,
        complete: () => resolve(last),
      },
    );
  });
}

async function main() {
  const clients = Array.from({ length: sockets }, () =>
    createClient({
      url: asking.ws,
      connectionParams: asking.credentials,
      retryAttempts: 0,
      generateID: (() => {
        let n = 0;
        return () => String(n++);
      })(),
    }),
  );
  let open = 0;
  const told = () => {
    open += 1;
    if (open === sockets * each) asking.tell('open', open);
  };
  const following = clients.flatMap((client) =>
    Array.from({ length: each }, () => followed(client, told)),
  );
  const ends = {};
  for (const last of await Promise.all(following)) ends[last] = (ends[last] ?? 0) + 1;
  asking.tell('ends', ends);
  await Promise.all(clients.map((client) => client.dispose()));
}

main();
