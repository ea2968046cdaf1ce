// How the rows of two pictures belong together: what has shifted becomes a gap on the side that
// lacks it, so that all the rest stands side by side.
'use strict';
(() => {
  /** From this share of the width on, a shift is one of the whole page. */
  const WHOLE = 0.9;

  const spans = (shifts, top) =>
    shifts
      .map((shift) => ({ y: top(shift), end: top(shift) + shift.height, shift }))
      .sort((a, b) => a.y - b.y);

  /**
   * The shifts that become gaps. Those of single columns do where they account for what the page
   * has grown or shrunk by; the others come back in line further down, and only get a box.
   */
  const gaps = (aligned, before, after) => {
    const moved = aligned.moved || [];
    const whole = ({ width }) => width >= WHOLE * Math.min(before.width, after.width);
    let left = after.height - before.height;
    const take = (shifts, sign) => {
      const taken = shifts.filter(whole);
      left -= sign * taken.reduce((sum, { height }) => sum + height, 0);
      return taken;
    };
    const inserted = take(aligned.inserted || [], 1);
    const deleted = take(aligned.deleted || [], -1);
    const columns = [
      ...(aligned.inserted || []).filter((shift) => !whole(shift)).map((shift) => [shift, 1, inserted]),
      ...(aligned.deleted || []).filter((shift) => !whole(shift)).map((shift) => [shift, -1, deleted]),
    ];
    for (const [shift, sign, taken] of columns) {
      if (Math.abs(left - sign * shift.height) >= Math.abs(left)) continue;
      left -= sign * shift.height;
      taken.push(shift);
    }
    return { inserted, deleted, moved: moved.filter(whole) };
  };

  /**
   * Which rows stand beside which: segments of `rows` rows at `out`, from row `before` of the
   * baseline and row `after` of the candidate; null on the side that lacks them. `aligned` is that
   * of the evidence, or null to leave both where they are.
   */
  const segmentsOf = (aligned, before, after) => {
    const { inserted, deleted, moved } = aligned
      ? gaps(aligned, before, after)
      : { inserted: [], deleted: [], moved: [] };
    const here = spans([...inserted, ...moved], (shift) => shift.y);
    const gone = [...spans(deleted, (shift) => shift.y), ...spans(moved, (shift) => shift.from)];
    gone.sort((a, b) => a.y - b.y);
    const segments = [];
    let [a, b, out] = [0, 0, 0];
    const add = (rows, hasBefore, hasAfter) => {
      if (rows <= 0) return;
      segments.push({ out, rows, before: hasBefore ? b : null, after: hasAfter ? a : null });
      if (hasBefore) b += rows;
      if (hasAfter) a += rows;
      out += rows;
    };
    while (a < after.height || b < before.height) {
      while (here.length && here[0].end <= a) here.shift();
      while (gone.length && gone[0].end <= b) gone.shift();
      const nextHere = here.length ? here[0].y : Infinity;
      const nextGone = gone.length ? gone[0].y : Infinity;
      if (a >= nextHere && a < after.height) add(Math.min(here[0].end, after.height) - a, false, true);
      else if (b >= nextGone && b < before.height) add(Math.min(gone[0].end, before.height) - b, true, false);
      else if (a >= after.height) add(Math.min(nextGone, before.height) - b, true, false);
      else if (b >= before.height) add(Math.min(nextHere, after.height) - a, false, true);
      else add(Math.min(nextHere - a, nextGone - b, after.height - a, before.height - b), true, true);
    }
    return segments;
  };

  /** The way from rows of either picture to the rows that are shown. */
  gate.align = (aligned, before, after) => {
    const segments = segmentsOf(aligned, before, after);
    const last = segments[segments.length - 1];
    const height = last ? last.out + last.rows : 0;
    const find = (side, y) =>
      segments.find((one) => one[side] !== null && y >= one[side] && y < one[side] + one.rows);
    /** Where row `y` of a side is shown. */
    const toOut = (side, y) => {
      const segment = find(side, y);
      return segment ? segment.out + y - segment[side] : height;
    };
    /** The row of the other side that stands beside row `y`, or the next one that does. */
    const across = (from, to, y) => {
      const segment = find(from, y);
      if (!segment) return y;
      if (segment[to] !== null) return segment[to] + y - segment[from];
      const next = segments.find((one) => one.out > segment.out && one[to] !== null);
      return next ? next[to] : { before, after }[to].height;
    };
    /** The parts of a side that are in one piece: `rows` rows from row `from`, shown at `out`. */
    const slices = (side) => {
      const found = [];
      for (const { out, rows, [side]: from } of segments) {
        if (from === null) continue;
        const above = found[found.length - 1];
        if (above && above.out + above.rows === out && above.from + above.rows === from) {
          above.rows += rows;
        } else {
          found.push({ out, rows, from });
        }
      }
      return found;
    };
    /** The rows that a side lacks. */
    const lacks = (side) =>
      segments.filter((one) => one[side] === null).map(({ out, rows }) => ({ out, rows }));
    return { width: Math.max(before.width, after.width), height, toOut, across, slices, lacks };
  };
})();
