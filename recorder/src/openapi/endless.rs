//! Schemas that would be looked at without end: they say of a value what they say of it.

/// How often one value may be looked at by the schemas that it refers to.
const MOST: u64 = 10_000;
/// How many references may lead on from one to the next without going into the value.
const DEEPEST: usize = 200;

/// Refuses what goes around in a circle, and what doubles with every step. For each part, the
/// parts that it says of the same value.
pub(super) fn check(same: &[Vec<usize>]) -> Result<(), String> {
    let mut weights: Vec<Option<Weight>> = vec![None; same.len()];
    for first in 0..same.len() {
        weight(first, same, &mut weights, &mut Vec::new())?;
    }
    Ok(())
}

/// What a part comes to with all that it refers to.
#[derive(Clone, Copy)]
struct Weight {
    looks: u64,
    depth: usize,
}

fn weight(
    part: usize,
    same: &[Vec<usize>],
    weights: &mut [Option<Weight>],
    path: &mut Vec<usize>,
) -> Result<Weight, String> {
    if let Some(weight) = weights[part] {
        return Ok(weight);
    }
    if path.contains(&part) {
        return Err("its schema refers to itself without end".to_owned());
    }
    let mut whole = Weight { looks: 1, depth: 1 };
    let too_deep = || format!("more than {DEEPEST} references of its schema lead on to another");
    if path.len() == DEEPEST {
        return Err(too_deep());
    }
    path.push(part);
    for next in &same[part] {
        let next = weight(*next, same, weights, path)?;
        whole.looks = whole.looks.saturating_add(next.looks);
        whole.depth = whole.depth.max(next.depth + 1);
    }
    path.pop();
    if whole.looks > MOST {
        return Err(format!("its schema would look at a value more than {MOST} times"));
    }
    if whole.depth > DEEPEST {
        return Err(too_deep());
    }
    weights[part] = Some(whole);
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_and_doublings_are_refused() {
        let check = |same: &[Vec<usize>], expect: Option<&str>| {
            let found = check(same).err();
            assert_eq!(found.is_some(), expect.is_some(), "{found:?}");
            assert!(found.is_none_or(|why| why.contains(expect.unwrap())));
        };
        check(&[], None);
        check(&[vec![1, 1], vec![]], None);
        check(&[vec![0]], Some("without end"));
        check(&[vec![1], vec![2], vec![1]], Some("without end"));
        let doubling: Vec<Vec<usize>> =
            (0..40).map(|at| if at < 39 { vec![at + 1, at + 1] } else { vec![] }).collect();
        check(&doubling, Some("more than 10000 times"));
        let long: Vec<Vec<usize>> =
            (0..4000).map(|at| if at < 3999 { vec![at + 1] } else { vec![] }).collect();
        check(&long, Some("lead on to another"));
        let back: Vec<Vec<usize>> =
            (0..4000_usize).map(|at| at.checked_sub(1).into_iter().collect()).collect();
        check(&back, Some("lead on to another"));
    }
}
