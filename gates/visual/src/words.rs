//! Numbers and areas in words.

use gate_core::evidence::{DiffAligned, DiffRegion, DiffShift};

/// `8640` as `8,640`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12_345` as `12 KiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

/// A share as a percentage that never rounds something to nothing.
pub(crate) fn share(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent > 0.0 && percent < 0.01 {
        return "under 0.01%".to_owned();
    }
    let text = format!("{percent:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// "180x48 px at 120,560 recoloured".
pub(crate) fn region(region: &DiffRegion) -> String {
    let DiffRegion { x, y, width, height, kind, cause, .. } = region;
    let cause = cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{width}x{height} px at {x},{y} {}{cause}", kind.replace('-', " "))
}

/// "1280x42 px were inserted at 0,96": the first few shifts, and how many more there are.
pub(crate) fn shifts(aligned: &DiffAligned) -> String {
    const SHOWN: usize = 3;
    let inserted = aligned.inserted.iter().map(|shift| ("inserted", shift));
    let deleted = aligned.deleted.iter().map(|shift| ("deleted", shift));
    let moved = aligned.moved.iter().map(|shift| ("moved", shift));
    let all: Vec<_> = inserted.chain(deleted).chain(moved).collect();
    let shown: Vec<String> = all
        .iter()
        .take(SHOWN)
        .map(|(what, shift)| {
            let DiffShift { x, y, width, height, from, cause, .. } = shift;
            let from = from.map(|from| format!(" from {x},{from}")).unwrap_or_default();
            let cause = cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
            format!("{width}x{height} px {what}{from} at {x},{y}{cause}")
        })
        .collect();
    let more = all.len().saturating_sub(SHOWN) as u64;
    let more = if more > 0 { format!(", and {} more", thousands(more)) } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

/// The first few areas, and how many more there are.
pub(crate) fn regions(found: &[DiffRegion], omitted: u64) -> String {
    const SHOWN: usize = 3;
    let mut by_size: Vec<&DiffRegion> = found.iter().collect();
    by_size.sort_by_key(|region| std::cmp::Reverse(region.pixels));
    let shown: Vec<String> = by_size.iter().take(SHOWN).map(|one| region(one)).collect();
    let more = found.len().saturating_sub(SHOWN) as u64 + omitted;
    let more = if more > 0 { format!(", and {} more", thousands(more)) } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1025), "2 KiB");
        assert_eq!(bytes(3 << 19), "1.5 MiB");
        assert_eq!(share(0.0), "0%");
        assert_eq!(share(0.000_01), "under 0.01%");
        assert_eq!(share(0.0084), "0.84%");
        assert_eq!(share(1.0), "100%");
    }
}
