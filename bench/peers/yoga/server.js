// graphql-yoga over better-sqlite3, as its documentation sets it up for production.

import { createServer } from "node:http";
import { createSchema, createYoga } from "graphql-yoga";
import { context, resolvers } from "./resolvers.js";
import { typeDefs } from "./schema.js";

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context,
  graphiql: false,
  landingPage: false,
  logging: false,
});
createServer(yoga).listen(Number(process.env.PORT), "127.0.0.1");
