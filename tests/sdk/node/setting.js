// What every test of this suite is given; the environment is described in ../python/conftest.py.

export const baseUrl = process.env.FREEHOLD_BASE_URL;
export const key = process.env.FREEHOLD_VIRTUAL_KEY;
export const narrowKey = process.env.FREEHOLD_NARROW_KEY;

/** One model per provider: [["openai", "openai/…"], …]. */
export const models = process.env.FREEHOLD_MODELS.split(",").map((pair) => {
  const middle = pair.indexOf("=");
  return [pair.slice(0, middle), pair.slice(middle + 1)];
});

export const user = (text) => [{ role: "user", content: text }];
