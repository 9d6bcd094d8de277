// An OpenID provider, as Synapse and the dashboard find one, for the browser tests.
//
// It is the npm package oidc-provider, with its own pages to sign in, where any password
// is right. Beside it is what Matrix Authentication Service has and OpenID has not:
// introspection for Synapse, which says who may be an admin.

import http from "node:http";
import { Provider } from "oidc-provider";

const { port, redirectUri, secret, ttl } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const ADMIN_SCOPE = "urn:synapse:admin:*";

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "synapse",
      client_secret: secret,
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id }),
  }),
  claims: { openid: ["sub"], profile: ["preferred_username"] },
  scopes: ["openid", "urn:matrix:client:api:*", ADMIN_SCOPE],
  features: {
    registration: { enabled: true },
    revocation: { enabled: true },
    devInteractions: { enabled: true },
  },
  pkce: { required: (_context, client) => client.clientId !== "synapse" },
  clientBasedCORS: () => true,
  issueRefreshToken: (_context, client) => client.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: true,
  ttl: { AccessToken: () => ttl, Grant: 3600, Session: 3600, Interaction: 600, IdToken: 600, RefreshToken: 3600 },
  discovery: { account_management_uri: `${issuer}/account` },
  cookies: { keys: [secret] },
});

async function introspect(request, response) {
  let body = "";
  for await (const part of request) {
    body += part;
  }
  response.setHeader("Content-Type", "application/json");
  if (request.headers.authorization !== `Bearer ${secret}`) {
    response.writeHead(401).end("{}");
    return;
  }
  const token = await provider.AccessToken.find(new URLSearchParams(body).get("token"));
  if (!token?.isValid) {
    response.end(JSON.stringify({ active: false }));
    return;
  }
  // The service gives this scope to admins only.
  const scopes = token.scope
    .split(" ")
    .filter((scope) => scope !== ADMIN_SCOPE || token.accountId === "admin");
  response.end(
    JSON.stringify({
      active: true,
      username: token.accountId,
      sub: token.accountId,
      scope: scopes.join(" "),
      expires_in: token.exp - Math.floor(Date.now() / 1000),
    }),
  );
}

const answer = provider.callback();

// Web pages may register themselves, which Matrix asks for and the package does not allow.
function register(request, response) {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Allow-Headers", "Content-Type");
  if (request.method === "OPTIONS") {
    response.writeHead(204).end();
  } else {
    answer(request, response);
  }
}

http
  .createServer((request, response) => {
    const handle = { "/oauth2/introspect": introspect, "/reg": register }[request.url] ?? answer;
    handle(request, response);
  })
  .listen(port, "127.0.0.1");
