// Starts @vercel/cosmosdb-server on a free loopback port and prints the port. It ends when its standard input does, so that no
// test run can leave it behind.
"use strict";

const { createHttpServer } = require("@vercel/cosmosdb-server");

const server = createHttpServer({ keepAlive: true });

// Two things are mended here. An index serves its order and the reverse of it; this server knows the first only.
// https://learn.microsoft.com/azure/cosmos-db/index-policy#order-by-queries-on-multiple-properties
const helpers = require("@zeit/cosmosdb-query/lib/helpers");

const sort = helpers.sort;
const reversed = (index) =>
  index.map(({ path, order }) => ({ path, order: order === "descending" ? "ascending" : "descending" }));
helpers.sort = (rows, rid, indexes, ...orders) =>
  sort(rows, rid, Array.isArray(indexes) ? [...indexes, ...indexes.map(reversed)] : indexes, ...orders);

// And asked for an item that is missing, the server falls over its own 404 and answers 500 without a body.
// The service answers 404: https://learn.microsoft.com/rest/api/cosmos-db/get-a-document
server.prependListener("request", (request, response) => {
  const end = response.end.bind(response);
  response.end = (body) => {
    if (request.method === "GET" && request.url.includes("/docs/") && response.statusCode === 500) {
      response.statusCode = 404;
      body = JSON.stringify({ code: "NotFound", message: "Entity with the specified id does not exist in the system." });
    }
    return end(body);
  };
});

console.error = () => {}; // the stack of that same fall

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
