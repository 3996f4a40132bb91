// Runs one client's program, `run.mjs NAME`, and writes as JSON what each of its functions gave or raised: see run.py.

const found = {};
for (const [name, ask] of Object.entries(await import(`./${process.argv[2]}.mjs`))) {
  try {
    found[name] = await ask();
  } catch (error) {
    found[name] = `${error.constructor.name}: ${error.message}`;
  }
}
process.stdout.write("\n" + JSON.stringify(found));
