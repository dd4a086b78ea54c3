import { describe, expect, it } from "vitest";
import { endpointUrl, headersOf, isLoopback, requireAuthorized } from "./secrets.ts";

describe("permission", () => {
  it.each([
    ["http://localhost:8000/x", true],
    ["http://127.0.0.1/x", true],
    ["http://127.9.8.7:1/x", true],
    ["http://[::1]:8000/x", true],
    ["http://api.localhost/x", true],
    ["http://localhost.example/x", false],
    ["http://127.0.0.1.example/x", false],
    ["http://10.0.0.1/x", false],
    ["http://0.0.0.0/x", false],
    ["https://example.org/x", false],
    // What the URL standard makes of another spelling of 127.0.0.1.
    ["http://2130706433/x", true],
  ])("%s is on this machine: %s", (url, local) => {
    expect(isLoopback(new URL(url))).toBe(local);
    if (local) requireAuthorized(new URL(url), undefined);
    else expect(() => requireAuthorized(new URL(url), undefined)).toThrow(/E_AUTHORIZED.*--authorized "REFERENCE"/);
    requireAuthorized(new URL(url), "contract 17");
  });
});

describe("secrets", () => {
  it("come from the environment, by name", () => {
    const headers = headersOf({ bearer: "TOKEN", header: ["X-Key=KEY"] }, { TOKEN: " abc ", KEY: "def" });
    expect(headers).toEqual({ authorization: "Bearer abc", "x-key": "def" });
  });

  it("are not repeated where somebody typed one in place of a name", () => {
    const typed = "sk-live-1234";
    const read = () => headersOf({ bearer: typed, header: [`x-key=${typed}`, typed] }, {});
    expect(read).toThrow(/--bearer[\s\S]*--header x-key[\s\S]*--header: expected NAME=VARIABLE/);
    expect(read).not.toThrow(/1234/);
  });

  it.each([
    "https://me:hush@host/x",
    "https://host/x?api_key=hush",
    "https://host/x?access-token=hush",
    "https://host/x?sig=hush",
  ])("are refused in an address, unrepeated: %s", (url) => {
    expect(() => endpointUrl(url)).toThrow(/E_MODEL_URL/);
    expect(() => endpointUrl(url)).not.toThrow(/hush/);
  });

  it("leave other parameters alone", () => {
    expect(endpointUrl("https://host/x?version=2&monkey=1").search).toBe("?version=2&monkey=1");
  });
});
