//! Turning tails around: from a probability to the value where it is reached.

use crate::error::Error;

/// A tail at some value, and by how many percent it changes when the value changes by one: the
/// derivative of ln tail by ln value. It is negative for upper tails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub tail: f64,
    pub slope: f64,
}

/// Looks for the value above 0 at which a tail is `p`, from `start`. 0 or the greatest number where
/// it lies beyond them.
///
/// Newton's method on logarithms, of which tails are nearly straight lines far out; where it would
/// leave what is known to hold the value, the bits of the number are halved, which halves its
/// logarithm where it is small.
pub(crate) fn value(
    p: f64,
    start: f64,
    end: f64,
    is_lower: bool,
    tail: impl Fn(f64) -> Result<At, Error>,
) -> Result<f64, Error> {
    let (mut low, mut high) = (0_u64, end.to_bits());
    let mut x = start.clamp(f64::MIN_POSITIVE, end);
    for _ in 0..400 {
        let at = tail(x)?;
        let is_below = if is_lower { at.tail < p } else { at.tail > p };
        *(if is_below { &mut low } else { &mut high }) = x.to_bits();
        if high - low <= 1 {
            return Ok(f64::from_bits(high));
        }
        let off = (at.tail - p) / p;
        let off = if off.abs() < 0.5 { libm::log1p(off) } else { (at.tail / p).ln() };
        let step = -off / at.slope;
        let next = if step.abs() < 0.5 { x + x * libm::expm1(step) } else { x * step.exp() };
        if step.abs() < 1e-16 || (next.to_bits() == x.to_bits() && step.is_finite()) {
            return Ok(x);
        }
        let is_inside = next.is_finite() && next.to_bits() > low && next.to_bits() < high;
        x = if is_inside && next > 0.0 { next } else { f64::from_bits(low.midpoint(high)) };
    }
    // Rounding may let the last bits go to and fro.
    if f64::from_bits(high) - f64::from_bits(low) <= 1e-14 * f64::from_bits(high) {
        return Ok(x);
    }
    Err(Error::Unsettled { what: "a quantile" })
}

/// The smallest whole number from 0 to `most` at which something is reached that stays so, looked
/// for from `start` on in growing steps; `most` if it never is.
pub(crate) fn whole(
    start: f64,
    most: f64,
    is_reached: impl Fn(f64) -> Result<bool, Error>,
) -> Result<f64, Error> {
    let start = start.round().clamp(0.0, most);
    // It is not reached at `low` and is at `high`.
    let (mut low, mut high, mut step) = (-1.0, most, 1.0);
    if is_reached(start)? {
        high = start;
        while high - step > low {
            let at = high - step;
            if !is_reached(at)? {
                low = at;
                break;
            }
            (high, step) = (at, step * 2.0);
        }
    } else {
        low = start;
        while low + step < most {
            let at = low + step;
            if is_reached(at)? {
                high = at;
                break;
            }
            (low, step) = (at, step * 2.0);
        }
    }
    while high - low > 1.0 {
        let middle = f64::midpoint(low, high).floor();
        *(if is_reached(middle)? { &mut high } else { &mut low }) = middle;
    }
    Ok(high)
}

/// Where a growing function crosses 0 between `low` and `high`, to within `room`: by the false
/// position of the Illinois method, and by halves where that is slow.
pub(crate) fn between(
    low: f64,
    high: f64,
    room: f64,
    of: impl Fn(f64) -> Result<f64, Error>,
) -> Result<f64, Error> {
    let ((mut low, mut high), mut side) = ((low, high), 0);
    let (mut below, mut above) = (of(low)?, of(high)?);
    for step in 0..400 {
        if high - low <= room * high.abs().max(low.abs()).max(1e-3) {
            return Ok(f64::midpoint(low, high));
        }
        let cut = (low * above - high * below) / (above - below);
        let is_inside = cut > low && cut < high && step % 4 != 3;
        let at = if is_inside { cut } else { f64::midpoint(low, high) };
        let value = of(at)?;
        if value == 0.0 || at <= low || at >= high {
            return Ok(at);
        }
        if value < 0.0 {
            (low, below) = (at, value);
            above *= if side == -1 { 0.5 } else { 1.0 };
            side = -1;
        } else {
            (high, above) = (at, value);
            below *= if side == 1 { 0.5 } else { 1.0 };
            side = 1;
        }
    }
    Err(Error::Unsettled { what: "a root" })
}
