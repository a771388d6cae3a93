/** Moves a finished folder to its place in one step; when another run was first, its folder stays. Arguments: from, to. */

const [from, to] = Deno.args;
try {
  await Deno.rename(from, to);
} catch (error) {
  const taken = await Deno.stat(to).then((info) => info.isDirectory, () => false);
  if (!taken) throw error;
}
