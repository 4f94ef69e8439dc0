// A real OpenID provider on loopback for the tests. Arguments: a folder with people.json, which is read at every use; the
// site's address; where the npm packages are; the id of its key; a port, or 0. Prints {"issuer": …} when it listens.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, site, modules, kid, port] = process.argv.slice(2);
const api = "astra-api";
const require = createRequire(join(modules, "package.json"));
const { Provider, errors } = await import(pathToFileURL(require.resolve("oidc-provider")));

const people = () => JSON.parse(readFileSync(join(folder, "people.json"), "utf8"));
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };

const server = createServer();
server.listen(Number(port), "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: ["only-for-tests"] },
    clients: [
      {
        client_id: "astra",
        client_secret: "only-for-tests-".repeat(3),
        token_endpoint_auth_method: "client_secret_post",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        redirect_uris: [`${site}/oidc/callback/`],
        post_logout_redirect_uris: [`${site}/admin/login/`],
      },
      {
        client_id: "recorder",
        client_secret: "only-for-tests-".repeat(3),
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        scope: "sessions:read sessions:write",
      },
    ],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "given_name", "family_name", "preferred_username", "groups", "tenant_id"],
    },
    scopes: ["openid", "email", "profile", "sessions:read", "sessions:write"],
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client) => (client?.clientId === "recorder" ? `urn:${api}` : undefined),
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => {
          if (resource !== `urn:${api}`) throw new errors.InvalidTarget();
          const jwt = { sign: { alg: "RS256" } };
          return { scope: "sessions:read sessions:write", audience: api, accessTokenFormat: "jwt", jwt };
        },
      },
    },
    extraTokenClaims: (ctx, token) => (token.kind === "ClientCredentials" ? people().recorder : undefined),
    findAccount: async (ctx, login) => {
      const known = people()[login];
      return known && { accountId: login, claims: async () => ({ sub: login, ...known }) };
    },
  });
  provider.on("server_error", (ctx, error) => console.error("server error", error));
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer }));
});
process.stdin.on("end", () => process.exit(0)).resume();
