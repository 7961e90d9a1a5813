// How far a publish has got, in words: an edge nobody has heard from is not waited for, and not counted.

export function said({ live, of, unknown, ms, complete }) {
  if (!of) return "No edge is running yet";
  const heard = of - unknown;
  if (complete) return `Live on ${live} of ${heard} ${heard === 1 ? "edge" : "edges"}${ms === null ? "" : `, ${ms} ms`}`;
  return `Live on ${live} of ${of} edges so far`;
}
