//! `gate diff`: what it ends with, and what it says.

use serde_json::Value;

use crate::environment::Environment;

/// A white page of 120 columns, with black rows and a box in red.
fn png(height: u32, black: &[u32], red: Option<(u32, u32)>) -> Vec<u8> {
    let mut pixels = vec![255_u8; (120 * height * 3) as usize];
    let mut set = |x: u32, y: u32, colour: [u8; 3]| {
        let at = ((y * 120 + x) * 3) as usize;
        pixels[at..at + 3].copy_from_slice(&colour);
    };
    for (row, y) in (3..).zip(black) {
        for x in 0..120 {
            // Every row is another one.
            set(x, *y, if (x * row) % 23 < 9 { [0; 3] } else { [90, 90, 90] });
        }
    }
    if let Some((x, y)) = red {
        (0..100).for_each(|at| set(x + at % 10, y + at / 10, [200, 0, 0]));
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 120, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    out
}

#[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
fn environment() -> Environment {
    let environment = Environment::new(&[("text.png", "no picture")]);
    let rows: Vec<u32> = (20..40).collect();
    let lower: Vec<u32> = (32..52).collect();
    for (name, png) in [
        ("a.png", png(80, &rows, None)),
        ("copy.png", png(80, &rows, None)),
        ("red.png", png(80, &rows, Some((50, 60)))),
        ("taller.png", png(92, &lower, None)),
    ] {
        std::fs::write(environment.path().join(name), png).unwrap();
    }
    environment
}

#[test]
fn it_ends_with_what_it_found() {
    let environment = environment();
    let check = |arguments: &[&str], code: i32, says: &str| {
        let ended = environment.gate(&[&["diff"], arguments].concat());
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    };
    check(&["a.png", "copy.png"], 0, "the pictures are identical");
    check(&["a.png", "red.png"], 1, "added        10 x 10 at 50,60 (100 pixels)");
    check(&["a.png", "red.png", "--metric", "oklab"], 1, "10 x 10 at 50,60 (100 pixels)");
    check(&["a.png", "red.png", "--threshold", "1"], 0, "the same within the threshold");
    check(&["a.png", "red.png", "--mask", "50,60,10,10"], 0, "identical");
    check(&["a.png", "taller.png"], 1, "inserted     120 x 12 at 0,20");
    check(&["a.png", "taller.png"], 1, "besides nothing has changed");
    check(&["a.png", "taller.png", "--no-align"], 1, "120 x 80 became 120 x 92");
    check(&["a.png", "text.png"], 2, "text.png: not a picture in a known format");
    check(&["none.png", "a.png"], 2, "none.png");
    check(&["a.png"], 2, "<CANDIDATE>");
    check(&["a.png", "red.png", "--mask", "1,2,3"], 2, "not four whole numbers");
    check(&["a.png", "red.png", "--threshold", "2"], 2, "not within 0 to 1");
    check(&["--help"], 0, "Ends with 0 when the pictures are the same");
    // It needs no workspace and leaves nothing in one.
    assert!(!environment.path().join(".gate").exists());
}

#[test]
fn the_json_has_its_shape() {
    let environment = environment();
    let json = |arguments: &[&str]| -> Value {
        environment.gate(&[&["diff", "--json"], arguments].concat()).json()
    };
    let red = json(&["a.png", "red.png", "--out", "diff.png"]);
    assert_eq!(red["schema"], "gate-diff/v1");
    assert_eq!((&red["width"], &red["height"]), (&120.into(), &80.into()));
    assert_eq!((&red["identical"], &red["changed_pixels"]), (&false.into(), &100.into()));
    assert_eq!(red["regions"][0]["kind"], "added");
    assert_eq!(red["regions"][0]["fingerprint"].as_str().unwrap().len(), 32);
    assert_eq!(red["aligned"]["inserted"], Value::Array(Vec::new()));
    assert_eq!(red["aligned"]["changed_pixels"], 100);
    let picture = std::fs::read(environment.path().join("diff.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));

    let taller = json(&["a.png", "taller.png"]);
    assert_eq!(taller["changed_pixels"], Value::Null, "pixelmatch has no answer");
    let inserted = &taller["aligned"]["inserted"][0];
    let numbers = ["x", "y", "width", "height"].map(|name| inserted[name].as_u64().unwrap());
    assert_eq!(numbers, [0, 20, 120, 12]);
    assert_eq!(taller["aligned"]["changed_pixels"], 0);
    assert_eq!(taller["regions"], Value::Array(Vec::new()));
    assert!(json(&["a.png", "red.png", "--no-align"]).get("aligned").is_none());
}
