// Calls to the API as the person who is logged in.

/** An answer other than the one asked for: problem details, or no answer at all (status 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? "Turnout did not answer. Your draft is kept.");
    this.status = status;
    this.code = body.code ?? "unreachable";
    this.errors = body.errors ?? [];
    this.body = body;
  }
}

export async function call(method, path, body, headers = {}) {
  const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrf, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, {});
  }
  if (response.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  const isText = response.ok && response.headers.get("Content-Type")?.startsWith("text/html");
  const answer = isText ? await response.text() : await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, answer);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);

/** POST `body` and return the nodes of the HTML that comes back; the server has escaped whatever is stored in it. */
export async function html(path, body) {
  const text = await call("POST", path, body, { Accept: "text/html" });
  return [...new DOMParser().parseFromString(text, "text/html").body.childNodes];
}
