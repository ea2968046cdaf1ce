"""Writes the table that `distributions.rs` is held against, with mpmath at 45 digits and more.

    pip install mpmath
    python3 gates/stats/tests/oracle/distributions.py > gates/stats/tests/oracle/distributions.csv

A line is `name,x,parameter,parameter,cdf,sf,effect of x,effect of the first parameter,of the second`:
an effect is by how much of itself the smaller tail changes when that input changes by one part in
1 (the derivative of its logarithm by the logarithm of the input). Inputs are what the texts mean as
f64. Tails are integrals of densities that are worked out anew here: nothing of the formulas that are
tested is used.
"""

import random

from mpmath import erfc, exp, gammainc, inf, log, log1p, loggamma, mp, mpf, nstr, quad, sqrt

mp.dps = 45
SMALLEST = mpf("1e-305")


def integral(density, x, end, spread):
    """Of a density that falls from x to end, in steps that grow a little: to 25 digits and more."""
    sign = 1 if end > x else -1
    points, step = [mpf(x)], mpf(spread) * 3
    # `quad` stops at an absolute error, so that it has to see numbers near 1.
    first = density(mpf(x))
    part = lambda t: density(t) / first
    while True:
        at = points[-1] + sign * step
        if sign * (end - at) <= 0:
            points.append(mpf(end))
            break
        points.append(at)
        if part(at) < mpf(10) ** -28:
            break
        step *= mpf("1.05")
    return first * abs(sum(quad(part, [a, b]) for a, b in zip(points, points[1:])))


def gamma_tails(x, a):
    if a <= 2000 and x <= 5000:
        mp.dps = 80
        above = gammainc(a, x, inf, regularized=True)
        below = gammainc(a, 0, x, regularized=True)
        mp.dps = 45
        return below, above
    front = loggamma(a)
    density = lambda t: exp((a - 1) * log(t) - t - front) if t > 0 else mpf(0)
    if x > a:
        above = integral(density, x, inf, min(sqrt(a), a / abs(x - a) + 1))
        return 1 - above, above
    below = integral(density, x, 0, min(sqrt(a), x / (abs(x - a) + 1) + mpf(x) / 1000))
    return below, 1 - below


def series(x, a, b):
    """I_x(a, b) by its series of positive terms (DLMF 8.17.8)."""
    front = exp(a * log(x) + b * log1p(-x) + loggamma(a + b) - loggamma(a + 1) - loggamma(b))
    total, term, n = mpf(1), mpf(1), 0
    while term > total * mpf(10) ** -50:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
        if n > 20000:
            return None
    return front * total


def beta_tails(x, a, b):
    x, a, b = mpf(x), mpf(a), mpf(b)
    mp.dps = 100
    try:
        # What is left of 1 keeps 30 digits.
        if x <= 0.5:
            below = series(x, a, b)
            if below is not None and 1 - below > mpf(10) ** -20:
                return below, 1 - below
        else:
            above = series(1 - x, b, a)
            if above is not None and 1 - above > mpf(10) ** -20:
                return 1 - above, above
        mp.dps = 45
        tail = beta_integral(x, a, b, x > a / (a + b))
        return (1 - tail, tail) if x > a / (a + b) else (tail, 1 - tail)
    finally:
        mp.dps = 45


def beta_integral(x, a, b, is_above):
    front = loggamma(a + b) - loggamma(a) - loggamma(b)
    density = lambda t: exp(front + (a - 1) * log(t) + (b - 1) * log1p(-t)) if 0 < t < 1 else mpf(0)
    width = sqrt(a * b / (a + b)) / (a + b)
    off = abs(x - a / (a + b))
    spread = width * width / off if off > width else width
    return integral(density, x, mpf(1) if is_above else mpf(0), spread)


def student_tails(t, freedom):
    t, freedom = mpf(t), mpf(freedom)
    mp.dps = 100
    x = freedom / (freedom + t * t)
    y = t * t / (freedom + t * t)
    # The tail is half of I_x(freedom/2, 1/2); whichever series converges.
    half = freedom / 2
    if y < mpf("0.02"):
        inner = series(y, mpf(1) / 2, half)
        mp.dps = 45
        if inner is None:
            return None
        above = (1 - inner) / 2
        if above < mpf(10) ** -40:
            return None
    else:
        both = series(x, half, mpf(1) / 2)
        mp.dps = 45
        if both is None:
            return None
        above = both / 2
    return (1 - above, above) if t > 0 else (above, 1 - above)


def student_integral(t, freedom):
    t, freedom = mpf(t), mpf(freedom)
    front = loggamma((freedom + 1) / 2) - loggamma(freedom / 2) - log(freedom * mp.pi) / 2
    density = lambda s: exp(front - (freedom + 1) / 2 * log1p(s * s / freedom))
    above = integral(density, t, inf, 1 / (1 + t))
    return 1 - above, above


def normal_tails(z):
    return erfc(-z / sqrt(mpf(2))) / 2, erfc(z / sqrt(mpf(2))) / 2


def tails(name, x, one, two):
    if name == "normal":
        return normal_tails(x)
    if name == "gamma":
        return gamma_tails(x / two, one)
    if name == "chi":
        return gamma_tails(x / 2, one / 2)
    if name == "poisson":
        below, above = gamma_tails(one, x + 1)
        return above, below
    if name == "beta":
        return beta_tails(x, one, two)
    if name == "binomial":
        above, below = beta_tails(two, x + 1, one - x)
        return below, above
    if name == "student":
        if one > 1000 and abs(x) >= 0.01:
            below, above = student_integral(abs(x), one)
            return (below, above) if x > 0 else (above, below)
        return student_tails(x, one)
    raise KeyError(name)


def line(name, x, one=0.0, two=0.0):
    x, one, two = float(x), float(one), float(two)
    both = tails(name, mpf(x), mpf(one), mpf(two))
    if both is None:
        return
    smaller = min(both)
    if smaller < SMALLEST:
        return
    is_lower = both[0] == smaller
    inputs, effects = [mpf(x), mpf(one), mpf(two)], []
    for index, value in enumerate(inputs):
        is_count = name == "poisson" and index == 0 or name == "binomial" and index < 2
        if value == 0 or is_count or index == 2 and name != "beta" and name != "binomial":
            effects.append(0)
            continue
        # Small beside the spread of the largest parameters, and large beside the digits kept.
        moved = list(inputs)
        moved[index] = value * (1 - mpf(10) ** -9)
        other = tails(name, *moved)
        effects.append(abs(log(other[0 if is_lower else 1] / smaller)) * 10**9 if other else 0)
    fields = [name] + [repr(v) for v in (x, one, two)]
    fields += [nstr(v, 18) for v in both] + [nstr(v, 3) for v in effects]
    print(",".join(fields), flush=True)


def deviations(draw):
    """How many standard deviations off: in the middle, and far out."""
    return draw.choice([0, 1e-6, -1e-6, 0.3, -0.3, 1, -1, 2.5, -2.5, 6, -6, 12, -12, 25, -25, 36, -36])


def main():
    draw = random.Random(20_261_122)
    for z in (0, 1e-300, 1e-9, 0.3, 1, 2.5, 5.99, 8, 13.7, 25, 37, 37.5):
        line("normal", z)
        line("normal", -z)
    sizes = [1e-9, 1e-3, 0.1, 0.5, 1, 1.7, 3.3, 10, 31.4, 49.9, 50, 77.7, 99, 250.5, 1e3, 12345.6, 1e5,
             3.3e6, 1e7, 2.5e8, 1e9]
    for shape in sizes:
        for off in (0, 1e-6, 0.3, -0.3, 1, -1, 2.5, -2.5, 6, -6, 12, -12, 25, -25, 36, -36):
            x = shape + off * shape**0.5 + off * abs(off) / 3
            if x > 0:
                line("gamma", x, shape, 1.0)
                if draw.random() < 0.2:
                    line("gamma", x * 0.037, shape, 0.037)
                if draw.random() < 0.3:
                    line("chi", 2 * x, 2 * shape)
                if draw.random() < 0.3 and x >= 1:
                    line("poisson", round(x), shape)
    for shape in (1e-9, 1e-3, 0.1, 0.5, 2.2, 30):
        for x in (1e-300, 1e-20, 1e-5, 0.01, 0.5, 0.999, 1.0, 1.2, 4, 20, 200, 690):
            line("gamma", x, shape, 1.0)
    for freedom in (0.1, 0.5, 1, 1.5, 3, 7.7, 30, 120.5, 1000, 54321.5, 1e6, 1e7, 1e9):
        for t in (1e-9, 0.01, 0.5, 1, 1.96, 3, 6, 12, 25, 36, 1e3, 1e8, 1e100):
            if freedom > 1000 and t > 37:
                continue
            line("student", t, freedom)
            if draw.random() < 0.3:
                line("student", -t, freedom)
    for a in sizes:
        for b in sizes:
            for _ in range(3 if max(a, b) < 1e5 else 2):
                mean, off = a / (a + b), deviations(draw)
                width = (a * b / (a + b + 1)) ** 0.5 / (a + b)
                x = mean + off * width
                if not 1e-15 < x < 1 - 1e-15:
                    x = draw.choice([1e-300, 1e-12, 0.001, 0.2, 0.5, 0.9, 0.999999])
                line("beta", x, a, b)
    for n in (1, 7, 40, 333, 10_000, 1_000_000, 1_000_000_000):
        for p in (1e-9, 1e-4, 0.01, 0.3, 0.5, 0.9, 0.9999):
            for _ in range(4):
                k = round(n * p + deviations(draw) * (n * p * (1 - p)) ** 0.5)
                if 0 <= k < n:
                    line("binomial", k, n, p)


if __name__ == "__main__":
    main()
