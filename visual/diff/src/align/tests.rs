//! Rows are texts here, and each character stands for a strip; a blank is a plain one.

use super::*;

const FILLED: Filled = Filled { before: true, after: true };

/// Every character as a strip of its own; rows become as wide as the widest of both pictures.
fn strips(rows: &[String], width: usize) -> Strips {
    let hash = |c: char| match c {
        ' ' => 0xffff_ffff,
        c => (c as u32).wrapping_mul(0x9e37_79b9) & !1,
    };
    let hashes =
        rows.iter().flat_map(|row| row.chars().chain([' '].into_iter().cycle()).take(width));
    Strips::of_hashes(width, hashes.map(hash).collect())
}

/// Rows that all tell something: `text("a", 3)` is three rows that occur nowhere else.
fn text(name: &str, rows: usize) -> Vec<String> {
    let letter = |at: usize| char::from_u32(0x4e00 + at as u32).unwrap_or('x');
    let seed: usize = name.bytes().map(usize::from).sum();
    (0..rows).map(|at| format!("  {name}{}  ", letter(seed * 1_000 + at))).collect()
}

fn blank(rows: usize) -> Vec<String> {
    vec![String::new(); rows]
}

fn page(parts: &[Vec<String>]) -> Vec<String> {
    parts.concat()
}

/// Two pages side by side, the right one beginning at the given column.
fn beside(left: Vec<String>, at: usize, right: Vec<String>) -> Vec<String> {
    let rows = left.len().max(right.len());
    let row = |page: &[String], y: usize| page.get(y).cloned().unwrap_or_default();
    (0..rows).map(|y| format!("{:at$}{}", row(&left, y), row(&right, y))).collect()
}

fn shown(before: &[String], after: &[String]) -> Vec<String> {
    let width = before.iter().chain(after).map(|row| row.chars().count()).max().unwrap_or(1).max(1);
    let found = align(&strips(before, width), &strips(after, width), 0, 8 * width as u32, FILLED);
    let shown = found.shifts.iter().map(|shift| {
        let rect = shift.rect;
        let what = match shift.kind {
            ShiftKind::Inserted => "inserted".into(),
            ShiftKind::Deleted { .. } => "deleted".into(),
            ShiftKind::Moved { from } => format!("moved from {from}"),
        };
        let columns = if rect.width as usize == 8 * width {
            String::new()
        } else {
            format!(" in {}..{}", rect.x / 8, (rect.x + rect.width) / 8)
        };
        format!("{what} {}+{}{columns}", rect.y, rect.height)
    });
    shown.collect()
}

#[track_caller]
fn check(before: &[Vec<String>], after: &[Vec<String>], expected: &[&str]) {
    assert_eq!(shown(&page(before), &page(after)), expected);
}

#[test]
fn equal_pages_have_no_shift() {
    check(&[text("a", 9)], &[text("a", 9)], &[]);
    check(&[blank(9)], &[blank(9)], &[]);
}

#[test]
fn a_block_is_inserted() {
    let (a, b, new) = (text("a", 20), text("b", 20), text("new", 7));
    check(&[a.clone(), b.clone()], &[a.clone(), new.clone(), b.clone()], &["inserted 20+7"]);
    check(&[a.clone(), b.clone()], &[new.clone(), a.clone(), b.clone()], &["inserted 0+7"]);
    check(&[a.clone(), b.clone()], &[a.clone(), b.clone(), new.clone()], &["inserted 40+7"]);
    check(&[a.clone(), new.clone(), b.clone()], &[a.clone(), b.clone()], &["deleted 20+7"]);
    check(&[a.clone(), new.clone()], std::slice::from_ref(&a), &["deleted 20+7"]);
}

#[test]
fn one_row_is_enough() {
    let (a, b) = (text("a", 20), text("b", 20));
    check(&[a.clone(), blank(4), b.clone()], &[a.clone(), blank(5), b.clone()], &["inserted 20+1"]);
    check(&[a.clone(), blank(4), b.clone()], &[a.clone(), blank(2), b.clone()], &["deleted 20+2"]);
}

#[test]
fn any_number_of_blocks() {
    let part = |name: &str| text(name, 12);
    check(
        &[part("a"), part("b"), part("c"), part("d"), part("e")],
        &[part("a"), part("1"), part("b"), part("d"), part("2"), part("e")],
        &["inserted 12+12", "deleted 24+12", "inserted 48+12"],
    );
}

#[test]
fn a_block_begins_where_it_is_seen_to_begin() {
    // The block may as well be blank rows with the text of the next card.
    let card = |name: &str| page(&[blank(3), text(name, 6), blank(3)]);
    check(&[card("a"), card("b")], &[card("a"), card("c"), card("b")], &["inserted 15+12"]);
    // A card like the one before it.
    check(&[card("a"), card("b")], &[card("a"), card("a"), card("b")], &["inserted 3+12"]);
}

#[test]
fn a_replaced_block_is_compared_in_place() {
    let (a, b) = (text("a", 20), text("b", 20));
    let put = |block: Vec<String>| [a.clone(), block, b.clone()];
    check(&put(text("old", 9)), &put(text("new", 9)), &[]);
    check(&put(text("old", 9)), &put(text("new", 12)), &["inserted 20+3"]);
}

#[test]
fn a_block_moves() {
    let [a, b, c] = ["a", "b", "c"].map(|name| text(name, 30));
    let block = text("block", 10);
    check(
        &[a.clone(), block.clone(), b.clone(), c.clone()],
        &[a.clone(), b.clone(), block.clone(), c.clone()],
        &["moved from 30 60+10"],
    );
    check(
        &[a.clone(), b.clone(), c.clone(), block.clone()],
        &[block.clone(), a.clone(), b.clone(), c.clone()],
        &["moved from 90 0+10"],
    );
    // Too little to be sure of.
    let line = text("line", 5);
    check(
        &[a.clone(), line.clone(), b.clone()],
        &[a.clone(), b.clone(), line.clone()],
        &["deleted 30+5", "inserted 60+5"],
    );
}

#[test]
fn a_sidebar_stays() {
    let main = |parts: &[Vec<String>]| page(parts);
    let side = text("side", 58);
    let (a, b, new) = (text("a", 30), text("b", 30), text("new", 8));
    let (head, foot) = (text("head", 10), text("foot", 10));
    let before = beside(main(&[a.clone(), b.clone()]), 12, side.clone());
    let after = beside(main(&[a.clone(), new.clone(), b.clone()]), 12, side.clone());
    let wrap = |middle: Vec<String>| [head.clone(), middle, foot.clone()];
    let [before, after] = [before, after].map(wrap);
    let found = shown(&page(&before), &page(&after));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("inserted 40+8 in 0.."), "{found:?}");
    let found = shown(&page(&after), &page(&before));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("deleted 40+8 in 0.."), "{found:?}");
}

#[test]
fn columns_shift_each_by_itself() {
    let column = |name: &str, top: usize| page(&[blank(top), text(name, 40), blank(20 - top)]);
    let before = beside(column("left", 4), 12, column("right", 4));
    let after = beside(column("left", 6), 12, column("right", 9));
    let found = shown(&before, &after);
    let starts = |start: &str| found.iter().filter(|shift| shift.starts_with(start)).count();
    // Blank rows at the foot make up for it, and are not worth a word.
    assert_eq!((starts("inserted"), starts("deleted")), (2, 0), "{found:?}");
    assert!(found.iter().any(|shift| shift.starts_with("inserted 4+2 in 0..")), "{found:?}");
    assert!(found.iter().any(|shift| shift.starts_with("inserted 4+5 in ")), "{found:?}");
}

/// How many strips of each side are passed over: of as many rows as the side has more than in pairs
/// and shifts.
fn fillers([before, after]: &[Strips; 2]) -> [usize; 2] {
    let view = View { before, after, columns: 0..before.a_row };
    let rows = |strips: &Strips| (0..strips.rows() as u32).collect::<Vec<_>>();
    let mut passed = [0; 2];
    for band in whole(&view, &rows(before), &rows(after), FILLED) {
        let mut left = [before.rows(), after.rows()];
        for op in &band.ops {
            let rows = op.rows as usize;
            let uses = match op.what {
                What::Pair | What::Moved => [rows, rows],
                What::Inserted => [0, rows],
                What::Deleted => [rows, 0],
                What::Filler => continue,
            };
            left = [left[0] - uses[0], left[1] - uses[1]];
        }
        let marked: usize =
            band.ops.iter().filter(|op| op.what == What::Filler).map(|op| op.rows as usize).sum();
        assert_eq!(left[0] + left[1], marked, "only what is marked is passed over");
        passed =
            [passed[0] + left[0] * band.columns.len(), passed[1] + left[1] * band.columns.len()];
    }
    passed
}

/// All pixels of both pictures are in exactly one piece or shift, fillers apart.
#[track_caller]
fn check_cover(before: &[String], after: &[String]) {
    let width = before.iter().chain(after).map(|row| row.chars().count()).max().unwrap_or(1).max(1);
    let sides = [strips(before, width), strips(after, width)];
    let found = align(&sides[0], &sides[1], 0, 8 * width as u32, FILLED);
    let mut seen = [vec![0_u16; before.len() * width], vec![0_u16; after.len() * width]];
    let mut mark = |side: usize, x: u32, y: u32, columns: u32, rows: u32| {
        for y in y..y + rows {
            for x in x / 8..(x + columns) / 8 {
                seen[side][y as usize * width + x as usize] += 1;
            }
        }
    };
    for Piece { columns, rows, before } in &found.pieces {
        let (wide, high) = (columns.end - columns.start, rows.end - rows.start);
        mark(0, columns.start, *before, wide, high);
        mark(1, columns.start, rows.start, wide, high);
    }
    for shift in &found.shifts {
        let Rect { x, y, width, height } = shift.rect;
        match shift.kind {
            ShiftKind::Inserted => mark(1, x, y, width, height),
            ShiftKind::Deleted { .. } => mark(0, x, y, width, height),
            ShiftKind::Moved { from } => {
                mark(0, x, from, width, height);
                mark(1, x, y, width, height);
            }
        }
    }
    assert!(seen.iter().flatten().all(|times| *times <= 1), "twice: {found:?}");
    let missing = seen.map(|side| side.iter().filter(|times| **times == 0).count());
    assert_eq!(missing, fillers(&sides), "neither found nor passed over: {found:?}");
    let sorted = found.pieces.is_sorted_by_key(|piece| (piece.rows.start, piece.columns.start));
    assert!(sorted, "{found:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]
    #[test]
    fn every_pixel_has_its_place(
        before in proptest::collection::vec("[ab ]{0,6}", 0..60),
        after in proptest::collection::vec("[ab ]{0,6}", 0..60),
        edits in proptest::collection::vec((0..60_usize, 0..10_usize, proptest::bool::ANY), 0..4),
    ) {
        check_cover(&before, &after);
        // The same page with blocks put in, taken out and put elsewhere.
        let page = beside(text("left", 40), 9, text("right", 50));
        let mut edited = page.clone();
        for (at, rows, put) in edits {
            let at = at.min(edited.len());
            let end = (at + rows).min(edited.len());
            if put {
                let block = text(&format!("n{at}"), rows);
                edited.splice(at..at, block);
            } else {
                let block: Vec<_> = edited.drain(at..end).collect();
                let to = (at * 7) % (edited.len() + 1);
                if rows % 2 == 0 { edited.splice(to..to, block); }
            }
        }
        check_cover(&page, &edited);
    }
}
